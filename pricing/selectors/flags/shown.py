"""A flag in words and as JSON: what is declared, where that stands among peers, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common import formats
from pricing.domain.exact import plain
from pricing.domain.flags import Code, Flag
from pricing.wording import flags as wording


@dataclass(frozen=True)
class ShownFlag:
    """A line of templates/pricing/_flags.html."""

    flag: Flag

    @property
    def is_raised(self) -> bool:
        return self.flag.is_raised

    @property
    def name(self) -> str:
        return str(wording.FLAG_NAMES[self.flag.code])

    @property
    def tag(self) -> str:
        return wording.state(self.flag)

    @property
    def colon(self) -> str:
        """Between its name and what it says."""
        return formats.colon()

    @property
    def tone(self) -> str:
        return "warn" if self.flag.is_raised else ""

    @property
    def declared(self) -> str:
        return wording.declared(self.flag)

    @property
    def among(self) -> str:
        return wording.among(self.flag)

    @property
    def sentence(self) -> str:
        return wording.sentence(self.flag)

    @property
    def source(self) -> str:
        return wording.source(self.flag)


def shown(flags: tuple[Flag, ...]) -> tuple[ShownFlag, ...]:
    return tuple(ShownFlag(flag) for flag in flags)


def flag_json(one: ShownFlag) -> dict[str, Any]:
    """`declared` is years, a share of what was paid, times the price in shops, or whether it is said."""
    flag = one.flag
    shop = flag.figures.shop if flag.code is Code.ABOVE_RETAIL else None
    return {
        "flag": str(flag.code),
        "raised": flag.is_raised,
        "declared": _declared(flag),
        "percentile": None if flag.percentile is None else plain(flag.percentile),
        "peers": flag.place.peers,
        "peers_share": None if flag.basis is None else str(flag.basis),
        "limit": None if flag.limit is None else plain(flag.limit),
        "retail_day": shop.day.isoformat() if shop else None,
        "retail_eur": plain(shop.eur) if shop else None,
        "sentence": one.sentence,
        "source": one.source,
    }


def _declared(flag: Flag) -> str | bool | None:
    if flag.code is Code.RELATED_PARTIES:
        return flag.figures.related
    value = flag.declared
    return None if value is None else plain(value)
