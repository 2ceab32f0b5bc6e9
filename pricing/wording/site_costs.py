"""What the site costs, in words: names of its components, what is wrong, how the fee follows."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy

from common import formats
from pricing.domain.exact import plain
from pricing.domain.site_costs import Costs, Kind, Wrong

SITE_COST_NAMES = {
    Kind.HOSTING: pgettext_lazy("site", "Hosting"),
    Kind.PEOPLE: gettext_lazy("People"),
    Kind.SOFTWARE: gettext_lazy("Software"),
    Kind.PAYMENTS: gettext_lazy("Payments"),
    Kind.AUDIT: gettext_lazy("Audit"),
    Kind.INSURANCE: gettext_lazy("Insurance"),
    Kind.OTHER: gettext_lazy("Other costs"),
}


def wrong_costs(fault: Wrong) -> str:
    """One fault, as a sentence that says what would do."""
    sentences = {
        "twice": _("Each component stands here once; add the amounts up."),
        "nothing": _("A site that costs nothing has nothing to publish: write at least one component."),
        "missing": _("Write it on one line: everybody reads it."),
        "too_long": _("It has %(actual)s characters; %(limit)s is the most."),
        "names_somebody": _("It holds an e-mail address; what is published names nobody."),
        "at_most": _("It can be at most %(limit)s."),
        "above_zero": _("It is %(actual)s; write an amount above zero, or leave all three fields empty."),
        "not_negative": _("It is %(actual)s; it cannot be below zero."),
        "too_few": _("It is %(actual)s; write at least %(limit)s."),
        "too_fine": _("It has %(actual)s decimals; %(limit)s is the most."),
        "above_costs": _("The subsidy is %(actual)s EUR, more than all costs together, %(limit)s EUR."),
    }
    return sentences[fault.code] % {"limit": _figure(fault.limit), "actual": _figure(fault.actual)}


def fee_above_costs(amount: Decimal, costs: Costs) -> str:
    """Why a fee is refused: what was asked, the limit, how that comes about, and what would pass."""
    return _("The fee is %(actual)s EUR. What the site costs allows at most %(limit)s EUR: %(how)s.") % {
        "actual": _euros(amount),
        "limit": _euros(costs.highest_fee),
        "how": how_a_fee_follows(costs),
    }


def how_a_fee_follows(costs: Costs) -> str:
    """`53,000 EUR a year less a subsidy of 20,000 EUR, over 1,500,000 device-hours`"""
    said = {
        "total": _euros(costs.total_year),
        "subsidy": _euros(costs.subsidy_year),
        "hours": _euros(costs.device_hours),
    }
    if not costs.subsidy_year:
        return _("%(total)s EUR a year, over %(hours)s device-hours") % said
    return _("%(total)s EUR a year less a subsidy of %(subsidy)s EUR, over %(hours)s device-hours") % said


def _figure(text: str) -> str:
    return formats.number(text) if text.replace(".", "", 1).lstrip("-").isdigit() else text


def _euros(amount: Decimal) -> str:
    return formats.number(plain(amount))
