"""What pricing says to people: names of components, waterfall steps, faults of a declaration."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext as _, gettext_lazy, ngettext

from common import formats
from common.formats import number
from pricing.domain.cost import Kind, markup
from pricing.domain.declared import Fault, plain
from pricing.models import CostStatement

COMPONENT_NAMES = {
    Kind.PURCHASE: gettext_lazy("Purchase"),
    Kind.ELECTRICITY: gettext_lazy("Electricity"),
    Kind.HOSTING: gettext_lazy("Hosting"),
    Kind.MAINTENANCE: gettext_lazy("Maintenance"),
    Kind.NETWORK: gettext_lazy("Network"),
    Kind.LICENCES: gettext_lazy("Licences"),
    Kind.STAFF: gettext_lazy("Staff"),
    Kind.INSURANCE: gettext_lazy("Insurance"),
    Kind.FINANCING: gettext_lazy("Financing"),
    Kind.OVERHEAD: gettext_lazy("Overhead"),
}

FIELD_NAMES = {
    "purchase_price": gettext_lazy("Purchase price"),
    "purchased_on": gettext_lazy("Date of purchase"),
    "life_years": gettext_lazy("Life in years"),
    "active_kilowatts": gettext_lazy("Power in use"),
    "idle_kilowatts": gettext_lazy("Power when idle"),
    "pue": gettext_lazy("PUE"),
    "electricity_price": gettext_lazy("Price of electricity"),
    "available_share": gettext_lazy("Available hours"),
    "used_share": gettext_lazy("Used hours"),
    "residual_value": gettext_lazy("Residual value"),
    "public_grants": gettext_lazy("Public grants"),
    "hosting_year": gettext_lazy("Hosting"),
    "maintenance_share": gettext_lazy("Maintenance"),
    "warranty_until": gettext_lazy("End of warranty"),
    "network_year": gettext_lazy("Network"),
    "licences_year": gettext_lazy("Licences"),
    "staff_posts": gettext_lazy("Staff posts"),
    "staff_post_year": gettext_lazy("Cost of a post"),
    "insurance_share": gettext_lazy("Insurance"),
    "financing_year": gettext_lazy("Financing"),
    "overhead_share": gettext_lazy("Overhead"),
    "sources": gettext_lazy("Sources"),
}


def percent(share: Decimal | str) -> str:
    """A share as a bare number of per cent, with the digits it has."""
    return number(plain(Decimal(share) * 100))


def component_label(kind: Kind, detail: Mapping[str, str]) -> str:
    """The line's name with the one number that explains it."""
    if kind is Kind.PURCHASE:
        years = detail["years"]
        return ngettext(
            "Purchase, spread over %(years)s year", "Purchase, spread over %(years)s years", _plural(years)
        ) % {"years": number(years)}
    if kind is Kind.STAFF and detail["posts"] != "0":
        return _("Staff, %(posts)s full-time posts") % {"posts": number(detail["posts"])}
    if kind is Kind.OVERHEAD:
        return _("Overhead, %(share)s %% of the above") % {"share": percent(detail["share"])}
    return str(COMPONENT_NAMES[kind])


def component_sentence(kind: Kind, detail: Mapping[str, str]) -> str:
    """How the yearly amount of a line comes about; empty where the amount itself was declared."""
    if kind is Kind.PURCHASE:
        return _purchase_sentence(detail)
    if kind is Kind.ELECTRICITY:
        return _("%(energy)s kWh a year × PUE %(pue)s × %(price)s EUR per kWh") % {
            "energy": number(detail["kilowatt_hours"], 0),
            "pue": number(detail["pue"]),
            "price": number(detail["price"]),
        }
    if kind in (Kind.MAINTENANCE, Kind.INSURANCE):
        return _("%(share)s %% of the purchase price a year") % {"share": percent(detail["share"])}
    if kind is Kind.STAFF:
        return _("%(posts)s posts × %(amount)s EUR a year") % {
            "posts": number(detail["posts"]),
            "amount": number(detail["post_year"]),
        }
    if kind is Kind.OVERHEAD:
        return _("Indirect cost over direct cost, from the owner’s accounts")
    return ""


def four_costs(statement: CostStatement) -> list[tuple[str, Decimal]]:
    """The costs a price is held against, by name; EUR per device-hour."""
    return [
        (_("Full, per delivered hour"), statement.full_delivered),
        (_("Full, per available hour"), statement.full_available),
        (_("Chargeable, per delivered hour"), statement.chargeable_delivered),
        (_("Chargeable, per available hour"), statement.chargeable_available),
    ]


def against(price: Decimal, cost: Decimal) -> str:
    """A price held against a cost, in words."""
    ratio = markup(price, cost)
    if not ratio:
        return _("Price is the same")
    sentence = _("Price is %(share)s below it") if ratio < 0 else _("Price is %(share)s above it")
    return sentence % {"share": formats.percent(abs(ratio))}


def fault_sentence(fault: Fault) -> str:
    """A fault of a declaration, as a sentence that says what would do."""
    name = FIELD_NAMES.get(fault.field, fault.field)
    values = {"field": name, "limit": _shown(fault.limit), "actual": _shown(fault.actual)}
    return _FAULTS[fault.rule]() % values


_FAULTS = {
    "missing": lambda: _("%(field)s is missing."),
    "unknown": lambda: _("%(field)s is not part of a cost statement."),
    "not_a_number": lambda: _("%(field)s: “%(actual)s” is not a decimal number written as text."),
    "not_a_date": lambda: _("%(field)s: “%(actual)s” is not a date such as 2026-11-24."),
    "at_most": lambda: _("%(field)s can be at most %(limit)s."),
    "at_least": lambda: _("%(field)s is %(actual)s; it cannot be below %(limit)s."),
    "not_negative": lambda: _("%(field)s is %(actual)s; it cannot be below zero."),
    "above_zero": lambda: _("%(field)s must be above zero."),
    "at_most_all": lambda: _("%(field)s is %(actual)s %%; it cannot be above 100 %%."),
    "idle_above_active": lambda: _(
        "%(field)s is %(actual)s kW; it cannot be above the power in use, %(limit)s kW."
    ),
    "above_purchase": lambda: _(
        "%(field)s come to %(actual)s EUR; that is more than the purchase price of %(limit)s EUR."
    ),
}


def _purchase_sentence(detail: Mapping[str, str]) -> str:
    values = {
        "price": number(detail["price"]),
        "residual": number(detail["residual"]),
        "granted": number(detail["granted"]),
    }
    sentence = _("%(price)s EUR less a residual value of %(residual)s EUR") % values
    if detail["granted"] == "0":
        return sentence
    return sentence + "; " + _("%(granted)s EUR of it paid by public grants") % values


def _plural(value: str) -> int:
    return 1 if Decimal(value) == 1 else 2


def _shown(value: str) -> str:
    try:
        return number(value)
    except ArithmeticError:
        return value
