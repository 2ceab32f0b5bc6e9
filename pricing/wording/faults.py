"""Faults of a declaration as sentences that say what would do."""

from __future__ import annotations

from itertools import pairwise

from django.utils.translation import gettext as _, gettext_lazy

from common.formats import number
from pricing.domain.declared import Fault
from pricing.wording.components import COMPONENT_NAMES

# By the last part of a fault's path: `assets.0.price` is the price of the first asset.
FIELD_NAMES = {
    "version": gettext_lazy("Version"),
    "assets": gettext_lazy("What was bought"),
    "name": gettext_lazy("Name"),
    "price": gettext_lazy("Price"),
    "purchased_on": gettext_lazy("Date of purchase"),
    "life_years": gettext_lazy("Life in years"),
    "residual_value": gettext_lazy("Residual value"),
    "vat_not_recovered": gettext_lazy("VAT not recovered"),
    "funding": gettext_lazy("Funding"),
    "source": gettext_lazy("Source"),
    "kind": gettext_lazy("Kind"),
    "amount": gettext_lazy("Amount"),
    "maintenance_share": gettext_lazy("Maintenance"),
    "warranty_until": gettext_lazy("End of warranty"),
    "embodied_kilograms": gettext_lazy("Carbon of making it"),
    "embodied_lowest": gettext_lazy("Carbon of making it, lowest"),
    "embodied_highest": gettext_lazy("Carbon of making it, highest"),
    "active_kilowatts": gettext_lazy("Power in use"),
    "idle_kilowatts": gettext_lazy("Power when idle"),
    "pue": gettext_lazy("PUE"),
    "energy_source": gettext_lazy("How power is measured"),
    "contract_price": gettext_lazy("Price of electricity"),
    "day_ahead": gettext_lazy("Day-ahead price"),
    "zone": gettext_lazy("Zone"),
    "since": gettext_lazy("First day"),
    "until": gettext_lazy("Day after the last"),
    "eur_per_mwh": gettext_lazy("Mean day-ahead price"),
    "hours_known": gettext_lazy("Hours with a price"),
    "hours_missing": gettext_lazy("Hours without a price"),
    "energy_adder": gettext_lazy("Supplier’s addition"),
    "grid_fee": gettext_lazy("Grid fee"),
    "electricity_tax": gettext_lazy("Tax on electricity"),
    "planned_outage_hours": gettext_lazy("Planned outage"),
    "unplanned_outage_hours": gettext_lazy("Unplanned outage"),
    "used_share": gettext_lazy("Used hours"),
    "rack_units": gettext_lazy("Rack units"),
    "rack_size": gettext_lazy("Size of the rack"),
    "rack_year": gettext_lazy("Cost of the rack"),
    "hosting_year": gettext_lazy("Hosting"),
    "network_year": gettext_lazy("Network"),
    "licences_year": gettext_lazy("Licences"),
    "maintenance_year": gettext_lazy("Maintenance contracts"),
    "staff_posts": gettext_lazy("Staff posts"),
    "staff_post_year": gettext_lazy("Cost of a post"),
    "insurance_share": gettext_lazy("Insurance"),
    "insurance_year": gettext_lazy("Insurance premium"),
    "interest_rate": gettext_lazy("Interest rate"),
    "financing_year": gettext_lazy("Financing"),
    "vat_year": gettext_lazy("VAT on running costs"),
    "indirect_costs": gettext_lazy("Indirect costs"),
    "direct_costs": gettext_lazy("Direct costs"),
    "pools": gettext_lazy("Cost pools"),
    "pool": gettext_lazy("Cost pool"),
    "statement": gettext_lazy("Statement of the pool"),
    "digest": gettext_lazy("SHA-256"),
    "key": gettext_lazy("Key"),
    "share": gettext_lazy("Share"),
    "amount_year": gettext_lazy("Amount a year"),
    "support": gettext_lazy("Public support"),
    "related_parties": gettext_lazy("Related parties"),
    "sources": gettext_lazy("Sources"),
    # Of the first version, which published rows are written in.
    "purchase_price": gettext_lazy("Purchase price"),
    "electricity_price": gettext_lazy("Price of electricity"),
    "available_share": gettext_lazy("Available hours"),
    "public_grants": gettext_lazy("Public grants"),
    "overhead_share": gettext_lazy("Overhead"),
} | {str(kind): name for kind, name in COMPONENT_NAMES.items()}


def fault_sentence(fault: Fault) -> str:
    """A fault of a declaration, as a sentence that says what would do."""
    values = {
        "field": fault_name(fault.field),
        "limit": _shown(fault.limit),
        "actual": _shown(fault.actual),
    }
    return _FAULTS[fault.rule]() % values


def fault_name(path: str) -> str:
    """A member by its name, and where there are several, which one: `Amount (asset 1, funding 2)`."""
    parts = path.split(".")
    last = parts[-1]
    where = [
        _WHICH[name]() % {"number": int(at) + 1}
        for name, at in pairwise(parts)
        if name in _WHICH and at.isdigit()
    ]
    name = _("What was declared") if last.isdigit() or not last else str(FIELD_NAMES.get(last, last))
    return f"{name} ({', '.join(where)})" if where else name


_WHICH = {
    "assets": lambda: _("asset %(number)d"),
    "funding": lambda: _("funding %(number)d"),
    "pools": lambda: _("pool %(number)d"),
    "support": lambda: _("support %(number)d"),
}

_FAULTS = {
    "missing": lambda: _("%(field)s is missing."),
    "unknown": lambda: _("%(field)s is not part of a cost statement."),
    "unknown_version": lambda: _("%(field)s: “%(actual)s” is not known. Write version %(limit)s."),
    "not_a_number": lambda: _("%(field)s: “%(actual)s” is not a decimal number written as text."),
    "not_a_count": lambda: _("%(field)s: “%(actual)s” is not a whole number."),
    "not_a_date": lambda: _("%(field)s: “%(actual)s” is not a date such as 2026-11-24."),
    "not_text": lambda: _("%(field)s: “%(actual)s” is not text."),
    "not_a_list": lambda: _("%(field)s: “%(actual)s” is not a list."),
    "not_an_object": lambda: _("%(field)s: “%(actual)s” is not an object with named members."),
    "not_yes_or_no": lambda: _("%(field)s: “%(actual)s” is neither true nor false."),
    "not_one_of": lambda: _("%(field)s: “%(actual)s” is none of %(limit)s."),
    "not_a_digest": lambda: _("%(field)s: “%(actual)s” is not 64 hexadecimal digits in lower case."),
    "not_in_our_time": lambda: _("%(field)s: %(actual)s does not lie in the years %(limit)s."),
    "too_many": lambda: _("%(field)s has %(actual)s entries; it can have at most %(limit)s."),
    "too_long": lambda: _("%(field)s has %(actual)s characters; it can have at most %(limit)s."),
    "at_most": lambda: _("%(field)s can be at most %(limit)s."),
    "at_least": lambda: _("%(field)s is %(actual)s; it cannot be below %(limit)s."),
    "after": lambda: _("%(field)s is %(actual)s; it must come after %(limit)s."),
    "not_before": lambda: _(
        "%(field)s is %(actual)s; it cannot come before the date of purchase, %(limit)s."
    ),
    "too_fine": lambda: _("%(field)s has %(actual)s decimals; it can have at most %(limit)s."),
    "at_least_part": lambda: _("%(field)s is %(actual)s %%; it cannot be below %(limit)s %%."),
    "not_negative": lambda: _("%(field)s is %(actual)s; it cannot be below zero."),
    "above_zero": lambda: _("%(field)s must be above zero."),
    "at_most_all": lambda: _("%(field)s is %(actual)s %%; it cannot be above 100 %%."),
    "once": lambda: _("%(field)s is named twice; take its parts together."),
    "idle_above_active": lambda: _(
        "%(field)s is %(actual)s kW; it cannot be above the power in use, %(limit)s kW."
    ),
    "above_purchase": lambda: _("%(field)s: %(actual)s EUR is more than what was paid, %(limit)s EUR."),
    "one_price": lambda: _("Electricity has either a contract price or the day-ahead price, not both."),
    "never_available": lambda: _(
        "Outages come to %(actual)s hours; the year has %(limit)s, and at least one must be left."
    ),
    "no_pool_of_purchases": lambda: _(
        "%(field)s: what was bought is no cost pool. Declare this node’s part of it as an asset."
    ),
    "no_support_of_kind": lambda: _(
        "%(field)s: public money in a purchase is funding of the asset, and overhead follows the other costs."
    ),
    "year_at_most": lambda: _(
        "A year of the node comes to %(actual)s EUR; it can cost at most %(limit)s EUR."
    ),
    "hour_at_most": lambda: _(
        "%(field)s: so few hours are left that one costs %(actual)s EUR; it can cost at most %(limit)s EUR."
    ),
    "above_component": lambda: _(
        "%(field)s costs %(limit)s EUR a year; public support of %(actual)s EUR is more than that."
    ),
}


def _shown(value: str) -> str:
    try:
        return number(value)
    except ArithmeticError:
        return value
