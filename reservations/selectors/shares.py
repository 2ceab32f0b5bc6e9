"""The whole share tree with its usage, for pages and rounds. A booking reads selectors.standing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact
from functools import cached_property
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from accounts.selectors import pseudonym
from reservations.domain import decay
from reservations.domain.policy import Policy
from reservations.domain.shares import Tree, Vertex as Node

# With how its project appears to others, so that whoever is compared is named without another query.
_ROWS = """
SELECT vertex.id::text, vertex.parent_id::text, vertex.shares, vertex.name, vertex.decayed_usage,
       vertex.committed, project.id, project.uid, project.name, project.uses_public_money
  FROM reservations_vertex vertex LEFT JOIN accounts_project project ON project.id = vertex.project_id
 ORDER BY vertex.id
"""

# Products and sums of decimals are decimals: with room for all digits nothing is rounded, however short a
# half-life and however long ago the use. Only as many digits as there are take memory.
_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Inexact])


@dataclass(frozen=True)
class Shown:
    """A project, as far as others may know of it."""

    uid: UUID
    name: str
    is_public: bool


@dataclass(frozen=True)
class ShareTree:
    """`tree` knows vertices by the text of their id; names and projects are looked up here."""

    at: datetime
    tree: Tree
    names: dict[str, str]
    key_of_project: dict[int, str]
    project_of_key: dict[str, int]
    shown: dict[str, Shown]  # by leaf

    def public_name(self, key: str) -> str:
        """Of a leaf as accounts.selectors.public_names has it, of an account its name."""
        project = self.shown.get(key)
        if project is None:
            return self.names[key]
        if project.is_public:
            return project.name
        return _("project %(pseudonym)s") % {"pseudonym": pseudonym(str(project.uid), self.at)}

    @cached_property
    def places(self) -> dict[int, int]:
        """By project; 1 goes first, and who ties shares a place."""
        return {self.project_of_key[key]: place for key, place in places_in(self.tree).items()}


def places_in(tree: Tree) -> dict[str, int]:
    """By leaf; 1 goes first."""
    return {key: place for tied, place in _from_first(tree) for key in tied}


def _from_first(tree: Tree) -> Iterator[tuple[list[str], int]]:
    before = 0
    for tied in tree.order():
        yield tied, before + 1
        before += len(tied)


def share_tree(*, policy: Policy, at: datetime) -> ShareTree | None:
    """Usage as it counts at `at`: decayed, and what is booked in full. One query; None without a root."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
        rows = cursor.fetchall()
    if not rows:
        return None
    left = decay.decay(at - decay.LANDMARK, policy.half_life)
    used = [_EXACT.add(_EXACT.multiply(row[4], left), row[5]) for row in rows]
    digits = max((_digits(usage) for usage in used), default=0)
    vertices = [
        Node(key, parent, shares, int(_EXACT.scaleb(usage, digits)) if project else 0, project is not None)
        for (key, parent, shares, _name, _stored, _booked, project, *_rest), usage in zip(
            rows, used, strict=True
        )
    ]
    return ShareTree(
        at=at,
        tree=Tree(vertices, per_unit=10**digits),
        names={row[0]: row[3] for row in rows},
        key_of_project={row[6]: row[0] for row in rows if row[6]},
        project_of_key={row[0]: row[6] for row in rows if row[6]},
        shown={row[0]: Shown(row[7], row[8], row[9]) for row in rows if row[6]},
    )


def _digits(number: Decimal) -> int:
    """After the point."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
