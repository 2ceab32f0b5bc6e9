"""What looks odd in a declaration, in sentences with the number, what is usual, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.utils.translation import gettext as _

from common.formats import number, percent
from pricing.domain.plausibility import Oddity


def sentence_of(odd: Oddity) -> str:
    return _SENTENCES[odd.code](odd)


def _years(odd: Oddity) -> str:
    facts = {
        "value": number(odd.value),
        "low": _of(odd.band.low),
        "high": _of(odd.band.high),
        "median": _of(odd.band.median),
    }
    return (
        _("The price is spread over %(value)s years. Usual are %(low)s to %(high)s, the median %(median)s.")
        % facts
    )


def _bought_later(odd: Oddity) -> str:
    return _(
        "It is bought after the statement’s year: nothing of it counts in this year. Leave it out until then."
    )


def _day_ahead_coverage(odd: Oddity) -> str:
    return _(
        "%(value)s of the hours have no day-ahead price and are left out of the mean. If they were dear or "
        "cheap ones, the mean is wrong; choose other days or a contract price."
    ) % {"value": percent(odd.value)}


def _overhead(odd: Oddity) -> str:
    return _(
        "Overhead is %(value)s of the direct cost. Funders that take a flat rate allow at most %(high)s."
    ) % {"value": percent(odd.value), "high": percent(odd.band.high, 0)}


def _no_residual(odd: Oddity) -> str:
    return _(
        "Nothing is left of the price after %(value)s years. Most machines can still be sold then; "
        "what they bring makes the hour cheaper."
    ) % {"value": number(odd.value)}


def _purchase(odd: Oddity) -> str:
    return _(
        "The purchase comes to %(value)s EUR for each device. That is more than twice what such a device "
        "cost in shops: %(high)s EUR."
    ) % {"value": number(odd.value, 0), "high": _of(odd.band.high)}


def _power(odd: Oddity) -> str:
    return _("The machine draws %(value)s kW in use. Data sheets allow its parts %(high)s kW.") % {
        "value": number(odd.value), "high": _of(odd.band.high),
    }  # fmt: skip


def _pue(odd: Oddity) -> str:
    if odd.band.low is not None and odd.value < odd.band.low:
        return _("With a PUE of %(value)s the place needs no cooling at all. The median is %(median)s.") % {
            "value": number(odd.value, 2), "median": _of(odd.band.median),
        }  # fmt: skip
    return _("A PUE of %(value)s is more than twice the median of %(median)s.") % {
        "value": number(odd.value), "median": _of(odd.band.median),
    }  # fmt: skip


def _electricity_price(odd: Oddity) -> str:
    return _(
        "A kilowatt-hour costs %(value)s EUR, all in. European businesses paid %(low)s to %(high)s EUR."
    ) % {"value": number(odd.value), "low": _of(odd.band.low), "high": _of(odd.band.high)}


def _used(odd: Oddity) -> str:
    facts = {"value": percent(odd.value), "median": percent(odd.band.median)}
    if odd.band.low is not None and odd.value < odd.band.low:
        return (
            _(
                "Only %(value)s of the hours are used, against a median of %(median)s. Hours that nobody "
                "uses make the others dearer."
            )
            % facts
        )
    return (
        _("%(value)s of the hours are used, against a median of %(median)s. Few machines are never idle.")
        % facts
    )


def _no_staff(odd: Oddity) -> str:
    return _(
        "No people are declared. Somebody installs, repairs, answers: in the median %(median)s of all cost."
    ) % {"median": percent(odd.band.median, 0)}


def _electricity_share(odd: Oddity) -> str:
    return _("Electricity is %(value)s of the full cost; the median is about %(median)s.") % {
        "value": percent(odd.value), "median": percent(odd.band.median, 0),
    }  # fmt: skip


def _related(odd: Oddity) -> str:
    return _(
        "You deal with somebody close to you. Readers are told; an offer of somebody else is good evidence."
    )


def _related_not_said(odd: Oddity) -> str:
    return _("You have not said whether you buy from somebody close to you. Readers see that too.")


def _of(bound: Decimal | None) -> str:
    return number(bound) if bound is not None else ""


_SENTENCES: dict[str, Callable[[Oddity], str]] = {
    "life_years": _years,
    "no_residual": _no_residual,
    "bought_later": _bought_later,
    "day_ahead_coverage": _day_ahead_coverage,
    "overhead": _overhead,
    "purchase_price": _purchase,
    "active_kilowatts": _power,
    "pue": _pue,
    "electricity_price": _electricity_price,
    "used_share": _used,
    "no_staff": _no_staff,
    "electricity_share": _electricity_share,
    "related_parties": _related,
    "related_parties_not_said": _related_not_said,
}
