"""One line of a cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from pricing.domain.declared.shape import Declared, Kind
from pricing.domain.exact import EXACT, plain, total


@dataclass(frozen=True)
class Component:
    """EUR a year for the whole node, and the numbers behind it.

    "Full" is the whole cost whoever paid it; "chargeable" leaves out what public money carried.
    """

    kind: Kind
    full_year: Decimal
    chargeable_year: Decimal
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def supported_year(self) -> Decimal:
        """What public money carries of it."""
        with localcontext(EXACT):
            return self.full_year - self.chargeable_year


def running(kind: Kind, declared: Declared, own: Decimal, **numbers: Decimal) -> Component:
    """A running cost: the node's own and its parts of pools, less what public support carries."""
    pooled, supported = declared.from_pools(kind), declared.supported(kind)
    full = total((own, pooled))
    numbers |= {name: amount for name, amount in (("pools", pooled), ("supported", supported)) if amount}
    return Component(kind, full, total((full, -supported)), detail_of(**numbers))


def detail_of(**numbers: Decimal) -> dict[str, str]:
    return {name: plain(number) for name, number in numbers.items()}
