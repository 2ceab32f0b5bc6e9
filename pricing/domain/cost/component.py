"""One line of a cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from pricing.domain.declared.shape import Declared, Kind
from pricing.domain.exact import ZERO, less, plain, total


@dataclass(frozen=True)
class Component:
    """EUR a year for the whole node, and the numbers behind it.

    "Full" is the whole cost whoever paid it; "chargeable" leaves out what public money carries, and
    what the owner carries without being allowed to charge it: interest on money of one's own.
    """

    kind: Kind
    full_year: Decimal
    chargeable_year: Decimal
    public_year: Decimal = ZERO
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def owner_year(self) -> Decimal:
        """Neither charged nor carried by public money."""
        return less(self.full_year, self.chargeable_year, self.public_year)


def running(kind: Kind, declared: Declared, own: Decimal, **numbers: Decimal) -> Component:
    """A running cost: the node's own and its parts of pools, less what public support carries."""
    pooled, supported = declared.from_pools(kind), declared.supported(kind)
    full = total((own, pooled))
    numbers |= {name: amount for name, amount in (("pools", pooled), ("supported", supported)) if amount}
    return Component(kind, full, less(full, supported), supported, detail_of(**numbers))


def detail_of(**numbers: Decimal) -> dict[str, str]:
    return {name: plain(number) for name, number in numbers.items()}
