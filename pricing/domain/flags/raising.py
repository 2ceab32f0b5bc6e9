"""When a flag is raised."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pricing.domain.flags.figures import Code, Figures
from pricing.domain.flags.peers import LEAST, Basis, Peers, Place
from pricing.domain.plausibility import TIMES_RETAIL

# A life is short in the lowest quarter of peers.
SHORT_LIFE_BELOW = Decimal(25)
# No residual stands out where at least half of the peers declare one.
RESIDUAL_USUAL_FROM = Decimal("0.5")
# A price in shops stands for a purchase up to a year later.
RETAIL_DAYS = 365


_CODES = tuple(Code)


@dataclass(frozen=True)
class Flag:
    """One thing that was looked at. `place` without `basis`: so many peers are too few to compare with."""

    code: Code
    is_raised: bool
    figures: Figures
    place: Place
    basis: Basis | None

    @property
    def declared(self) -> Decimal | None:
        return self.figures.measure(self.code)

    @property
    def percentile(self) -> Decimal | None:
        return self.place.percentile if self.basis else None

    @property
    def limit(self) -> Decimal | None:
        """What it is raised beyond; None where declaring it is enough."""
        return {
            Code.SHORT_LIFE: SHORT_LIFE_BELOW,
            Code.NO_RESIDUAL: RESIDUAL_USUAL_FROM,
            Code.ABOVE_RETAIL: TIMES_RETAIL,
            Code.RELATED_PARTIES: None,
        }[self.code]


def flags(figures: Figures, peers: Peers) -> tuple[Flag, ...]:
    """All four, raised or not."""
    return tuple(
        Flag(code, _is_raised(code, figures, peers), figures, *peers.place(code, figures)) for code in _CODES
    )


def count_raised(figures: Figures, peers: Peers) -> int:
    """How many of them are raised, without the rest: for tables of many nodes."""
    return sum(_is_raised(code, figures, peers) for code in _CODES)


def _is_raised(code: Code, figures: Figures, peers: Peers) -> bool:
    """A price in shops and a declaration speak for themselves; the others need peers."""
    if code is Code.RELATED_PARTIES:
        return figures.related is True
    if code is Code.ABOVE_RETAIL:
        times = figures.times_retail
        return times is not None and times > TIMES_RETAIL
    if code is Code.NO_RESIDUAL and figures.residual_share >= LEAST:
        return False
    place, basis = peers.place(code, figures)
    if basis is None:
        return False
    if code is Code.SHORT_LIFE:
        return 100 * place.less + 50 * place.equal < SHORT_LIFE_BELOW * place.peers
    return place.declaring >= RESIDUAL_USUAL_FROM * place.peers
