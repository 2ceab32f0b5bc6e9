"""Flags in sentences: the number that was declared, how others declare it, and why one looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _, gettext_lazy, ngettext

from common import formats
from pricing.domain.exact import plain
from pricing.domain.flags import (
    FEWEST_PEERS,
    LEAST,
    RESIDUAL_USUAL_FROM,
    RETAIL_DAYS,
    SHORT_LIFE_BELOW,
    Basis,
    Code,
    Flag,
    Shop,
)
from pricing.domain.plausibility import TIMES_RETAIL

FLAG_NAMES = {
    Code.SHORT_LIFE: gettext_lazy("Short life"),
    Code.NO_RESIDUAL: gettext_lazy("No residual value"),
    Code.ABOVE_RETAIL: gettext_lazy("Purchase above prices in shops"),
    Code.RELATED_PARTIES: gettext_lazy("Related parties"),
}


@dataclass(frozen=True)
class Definition:
    """How a flag comes about, with its numbers."""

    name: str
    text: str


def definitions() -> tuple[Definition, ...]:
    peers = _(
        "Statements in force of other owners’ listed nodes with the same device; where those are fewer than"
        " %(fewest)s, with the same kind of device; where those are, too, nothing is compared. The percentile"
        " is the share of peers with a smaller figure and half of those with an equal one."
    ) % {"fewest": formats.number(FEWEST_PEERS)}  # fmt: skip
    life = _(
        "The years over which the purchase is spread, each thing counting by its price, lie below percentile"
        " %(limit)s: every hour carries more of it."
    ) % {"limit": formats.number(SHORT_LIFE_BELOW)}  # fmt: skip
    residual = _(
        "Less than %(least)s of what was paid is left at the end, while at least %(limit)s of the peers count"
        " on more."
    ) % {"least": formats.percent(LEAST, 0), "limit": formats.percent(RESIDUAL_USUAL_FROM, 0)}  # fmt: skip
    retail = _(
        "The purchase comes to more than %(times)s times what its devices cost in shops: the last price known"
        " from the %(days)s days before it, in euros of that day. A machine is more than its devices."
    ) % {"times": formats.number(TIMES_RETAIL), "days": formats.number(RETAIL_DAYS)}  # fmt: skip
    related = _("The owner declares that something is bought from, or hosted by, somebody close to them.")
    texts = (life, residual, retail, related)
    named = [Definition(str(FLAG_NAMES[code]), text) for code, text in zip(Code, texts, strict=True)]
    return (*named, Definition(_("Peers"), peers))


def state(flag: Flag) -> str:
    """The word on the tag."""
    if flag.is_raised:
        return _("look at this")
    needs_peers = flag.code in (Code.SHORT_LIFE, Code.NO_RESIDUAL)
    if (needs_peers and flag.basis is None) or flag.declared is None:
        return _("not compared")
    return _("nothing unusual")


def declared(flag: Flag) -> str:
    """The figure alone: `3 years`, `0 %`, `2.4 times`, `yes`."""
    value = flag.declared
    if flag.code is Code.RELATED_PARTIES:
        return {True: _("declared"), False: _("none"), None: _("not said")}[flag.figures.related]
    if value is None:
        return _("no price known")
    if flag.code is Code.SHORT_LIFE:
        return _("%(years)s years") % {"years": _years(value)}
    if flag.code is Code.NO_RESIDUAL:
        return formats.percent(value, 0 if not value else 1)
    return _("%(times)s times") % {"times": formats.number(value, 2)}


def among(flag: Flag) -> str:
    """Where it stands among how many peers, and what they have in common."""
    count = flag.place.peers
    if flag.percentile is None:
        if count >= FEWEST_PEERS:
            return _("Nothing to compare")
        return _("Too few peers to compare: %(count)s, and %(fewest)s are needed") % {
            "count": formats.number(count), "fewest": formats.number(FEWEST_PEERS),
        }  # fmt: skip
    said = {"percentile": formats.number(flag.percentile, 0), "count": formats.number(count)}
    if flag.basis is Basis.MODEL:
        return _("Compared with %(count)s nodes with the same device: percentile %(percentile)s") % said
    return _("Compared with %(count)s nodes with the same kind of device: percentile %(percentile)s") % said


def sentence(flag: Flag) -> str:
    """What was declared, and how many of the peers declare what."""
    return {
        Code.SHORT_LIFE: _short_life,
        Code.NO_RESIDUAL: _no_residual,
        Code.ABOVE_RETAIL: _above_retail,
        Code.RELATED_PARTIES: _related,
    }[flag.code](flag)


def source(flag: Flag) -> str:
    """Who says what it is held against."""
    shop = flag.figures.shop
    if flag.code is Code.ABOVE_RETAIL:
        return f"{shop.source}; {shop.rate}" if shop else ""
    if flag.code is Code.RELATED_PARTIES:
        return "IAS 24, related party disclosures"
    return _("Statements in force of other owners")


def _short_life(flag: Flag) -> str:
    said = {"years": _years(flag.figures.life_years)}
    if flag.basis is None:
        return _("The purchase is spread over %(years)s years.") % said
    said |= {"more": formats.number(flag.place.more), "count": formats.number(flag.place.peers)}
    return ngettext(
        "The purchase is spread over %(years)s years; %(more)s of %(count)s peers spreads it over more.",
        "The purchase is spread over %(years)s years; %(more)s of %(count)s peers spread it over more.",
        flag.place.more,
    ) % said  # fmt: skip


def _no_residual(flag: Flag) -> str:
    share = flag.figures.residual_share
    if share >= LEAST:
        first = _("At the end of its life %(share)s of what was paid is left.") % {
            "share": formats.percent(share, 1)
        }
    elif share:
        first = _("At the end of its life less than %(share)s of what was paid is left.") % {
            "share": formats.percent(LEAST, 0)
        }
    else:
        first = _("At the end of its life nothing is left of what was paid.")
    if flag.basis is None:
        return first
    said = {"some": formats.number(flag.place.declaring), "count": formats.number(flag.place.peers)}
    rest = ngettext(
        "%(some)s of %(count)s peers counts on something being left.",
        "%(some)s of %(count)s peers count on something being left.",
        flag.place.declaring,
    ) % said  # fmt: skip
    return f"{first} {rest}"


def _above_retail(flag: Flag) -> str:
    each = formats.number(flag.figures.price_each, 0)
    shop, times = flag.figures.shop, flag.figures.times_retail
    if shop is None or times is None:
        return _(
            "The purchase comes to %(each)s EUR for each device. No price of one in shops is known from the"
            " %(days)s days before."
        ) % {"each": each, "days": formats.number(RETAIL_DAYS)}  # fmt: skip
    said = {"each": each, "times": formats.number(times, 2), "shop": _shop(shop)}
    if flag.is_raised:
        return _(
            "The purchase comes to %(each)s EUR for each device, %(times)s times what one cost in shops:"
            " %(shop)s. A machine is more than its devices; twice their price is where readers are told."
        ) % said  # fmt: skip
    return _(
        "The purchase comes to %(each)s EUR for each device, %(times)s times what one cost in shops:"
        " %(shop)s."
    ) % said  # fmt: skip


def _related(flag: Flag) -> str:
    if flag.figures.related is None:
        return _("The owner has not said whether anything is bought from somebody close to them.")
    first = (
        _("Something is bought from, or hosted by, somebody close to the owner.")
        if flag.figures.related
        else _("Nothing is bought from or hosted by anybody close to the owner, they say.")
    )
    if flag.basis is None:
        return first
    said = {"some": formats.number(flag.place.declaring), "count": formats.number(flag.place.peers)}
    rest = ngettext(
        "%(some)s of %(count)s peers declares such dealings.",
        "%(some)s of %(count)s peers declare such dealings.",
        flag.place.declaring,
    ) % said  # fmt: skip
    return f"{first} {rest}"


def _shop(shop: Shop) -> str:
    return _("%(eur)s EUR (%(usd)s USD on %(day)s)") % {
        "eur": formats.number(shop.eur, 0),
        "usd": formats.number(shop.usd, 0),
        "day": formats.long_day(shop.day),
    }


def _years(value: Decimal) -> str:
    return formats.number(plain(value.quantize(Decimal("0.01"))))
