"""What the cap says of a price, and what is wrong with a pricing policy, in sentences."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common import formats
from pricing.domain.capping import Unsound
from pricing.domain.exact import CENT, plain, rounded
from pricing.domain.tariff import CapCheck


def above_cap(check: CapCheck, *, policy: int | None, excepted: Decimal | None, day: datetime) -> str:
    """Why a price is refused: the rule, the limit, the price that was asked, and what would pass."""
    said = {
        "actual": _euros(check.price),
        "limit": _euros(check.limit),
        "day": formats.moment_with_year(day),
        "policy": policy,
        "how": how(check),
    }
    if policy is None:
        sentence = _(
            "The price is %(actual)s EUR. No pricing policy is in force on %(day)s: a price can be at most"
            " the chargeable cost of an hour, %(limit)s EUR."
        )
    else:
        sentence = _(
            "The price is %(actual)s EUR. The cap of pricing policy %(policy)d allows at most %(limit)s EUR:"
            " %(how)s. Ask that or less, or ask a steward for a public exception."
        )
    if excepted is None:
        return sentence % said
    return (
        sentence % said
        + " "
        + _("The exception in force allows at most %(limit)s EUR.") % {"limit": _euros(excepted)}
    )


def how(check: CapCheck) -> str:
    """How a limit comes about: `a chargeable cost of 2.10 EUR an hour at 72 % use, and 10 % more`."""
    said = {
        "cost": formats.number(check.reference, 6),
        "used": percent_of(check.used_share),
        "cap": percent_of(check.cap.share),
    }
    if check.is_floored:
        sentence = _("a chargeable cost of %(cost)s EUR an hour at %(used)s %% use, the floor")
    else:
        sentence = _("a chargeable cost of %(cost)s EUR an hour at %(used)s %% use")
    if not check.cap.share:
        return sentence % said
    return sentence % said + _(", and %(cap)s %% more") % said


def unsound(fault: Unsound) -> str:
    """A fault of a pricing policy, as a sentence that says what would do."""
    is_share = fault.field != "window_months"
    limit, actual = (percent_of(n) if is_share else formats.number(n) for n in (fault.limit, fault.actual))
    sentences = {
        "below_zero": _("It is %(actual)s %%; it cannot be below zero."),
        "cap_too_high": _(
            "It is %(actual)s %%; a price can be allowed to lie at most %(limit)s %% above its cost."
        ),
        "public_above_private": _(
            "It is %(actual)s %%; it cannot be above that of private nodes, %(limit)s %%."
        ),
        "not_a_use": _("It is %(actual)s %%; it lies above zero and is at most %(limit)s %%."),
        "not_a_window": _("It is %(actual)s months; it can be 1 to %(limit)s."),
    }
    return sentences[fault.code] % {"limit": limit, "actual": actual}


def percent_of(share: Decimal) -> str:
    """0.1 as 10, to two decimals where it has them."""
    return formats.number(plain(rounded(share * 100, CENT))) if share.is_finite() else str(share)


def _euros(amount: Decimal) -> str:
    return formats.number(plain(amount))
