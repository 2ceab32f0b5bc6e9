"""Every statement in force, held against its peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import ngettext

from common import formats
from nodes.models import Device, Node
from pricing.domain.drafting import Reading
from pricing.domain.flags import Figures, Flag, Peers, count_raised, figures_of, flags
from pricing.domain.market.matching import market_key
from pricing.models import CostStatement
from pricing.selectors.flags.reading import in_force, with_shops
from pricing.selectors.flags.shown import ShownFlag, shown


@dataclass(frozen=True)
class FlaggedNode:
    """A listed node with its flags that are raised."""

    node: Node
    statement: CostStatement
    flags: tuple[ShownFlag, ...]

    @property
    def url(self) -> str:
        """Where all of them are read, with what they are of."""
        return f"/nodes/{self.node.slug}/costs/#flags"

    @property
    def count(self) -> str:
        number = len(self.flags)
        return ngettext("%(number)s flag", "%(number)s flags", number) % {"number": formats.number(number)}


@dataclass(frozen=True)
class Board:
    """What is declared at a moment, by statement."""

    at: datetime
    figures: dict[int, Figures]

    @cached_property
    def peers(self) -> Peers:
        return Peers(self.figures.values())

    def of(self, statement: int) -> tuple[Flag, ...]:
        """None where the node has no device that could be compared."""
        found = self.figures.get(statement)
        return flags(found, self.peers) if found else ()

    @property
    def counts(self) -> dict[int, int]:
        """How many are raised, by node."""
        return {one.node: count_raised(one, self.peers) for one in self.figures.values()}

    @property
    def raised(self) -> tuple[FlaggedNode, ...]:
        """Those with any, most first. One query."""
        found = {pk: tuple(flag for flag in self.of(pk) if flag.is_raised) for pk in self.figures}
        rows = CostStatement.objects.filter(pk__in=[pk for pk, some in found.items() if some])
        nodes = [
            FlaggedNode(row.node, row, shown(found[row.pk]))
            for row in rows.select_related("node__owner").defer("declared")
        ]
        return tuple(sorted(nodes, key=lambda one: (-len(one.flags), one.node.name, one.node.pk)))


def board(*, at: datetime) -> Board:
    """Four queries."""
    return Board(at, in_force(at=at))


def flag_counts(*, at: datetime) -> dict[int, int]:
    """How many flags are raised, by node: listed ones with a statement in force. Four queries for all."""
    return board(at=at).counts


def flags_of(statement: CostStatement, *, at: datetime) -> tuple[ShownFlag, ...]:
    """All four of one statement, held against what others declared at that moment. Four queries."""
    return shown(Board(at, in_force(at=at, also=statement)).of(statement.pk))


def flags_of_draft(
    reading: Reading, *, node: Node, devices: Sequence[Device], at: datetime
) -> tuple[ShownFlag, ...]:
    """What would be shown of a draft that is published as it is; nothing while its purchase is not said."""
    declared = reading.declared
    is_said = declared.assets and not any(fault.field.startswith("assets") for fault in reading.faults)
    if not devices or not is_said:
        return ()
    first = devices[0]
    figures = figures_of(
        declared,
        node=node.pk,
        owner=node.owner_id,
        model=market_key(first.model, first.memory_bytes, otherwise=first.model_key),
        kind=first.kind,
        device_count=len(devices),
    )
    (found,) = with_shops([figures], at=at)
    return shown(flags(found, board(at=at).peers))
