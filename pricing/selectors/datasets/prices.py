"""Tariffs, the pricing policy and its exceptions as open data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.open_data.columns import integer, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Reference
from pricing.models import PriceException, PricingPolicy, Tariff, TariffCallOff
from pricing.selectors.datasets.shared import (
    EUR_PER_DEVICE_HOUR,
    announced,
    correction,
    effective,
    ledger_index,
    public,
    published,
)

TARIFFS = Dataset(
    name="tariffs",
    title=_("Tariffs"),
    says=_("The price of a device-hour on each node, from when until when, before VAT and the site’s fee."),
    licence=CC_BY,
    columns=(
        text("id", _("The tariff’s identifier."), "uid", is_unique=True),
        text("node", _("The node that it is about."), "node__uid"),
        integer("number", _("Counted from 1 for each node."), least="1"),
        text("statement", _("The cost statement that it stands on."), "statement__uid"),
        *announced(),
        number("price", _("What its owner asks."), unit=EUR_PER_DEVICE_HOUR, least="0"),
        number(
            "carried",
            _("Given back of earlier surplus (negative), or carried over of a deficit."),
            unit=EUR_PER_DEVICE_HOUR,
        ),
        number(
            "owner_adjustment", _("What the owner leaves off (negative) or adds."), unit=EUR_PER_DEVICE_HOUR
        ),
        integer(
            "policy",
            _("The pricing policy that it was held against; empty: there was none."),
            "policy__version",
            is_required=False,
        ),
        number(
            "limit",
            _("The highest price that the cap allowed."),
            unit=EUR_PER_DEVICE_HOUR,
            is_required=False,
        ),
        text(
            "exception",
            _("The exception to the cap that it was published under."),
            "exception__uid",
            is_required=False,
        ),
        *correction(),
        *published(),
    ),
    rows=lambda: Tariff.objects.filter(public("node")).order_by("pk"),
    changed=(
        "published_at",
        "call_off__called_off_at",
        "withdrawal__withdrawn_at",
        "exception__ended_at",
    ),
    refers=(
        Reference("node", "nodes", "id"),
        Reference("statement", "cost-statements", "id"),
        Reference("policy", "pricing-policies", "version"),
        Reference("exception", "price-exceptions", "id"),
        Reference("corrects", "tariffs", "id"),
    ),
    page="prices",
)

CALL_OFFS = Dataset(
    name="tariffs-called-off",
    title=_("Tariffs that were called off"),
    says=_("Prices that were announced and called off before they began, with why."),
    licence=CC_BY,
    columns=(
        text("tariff", _("The tariff that was called off."), "tariff__uid", is_unique=True),
        words("reason", _("Why it was called off.")),
        moment("called_off_at", _("When it was called off.")),
        ledger_index(),
    ),
    rows=lambda: TariffCallOff.objects.filter(public("tariff__node")).order_by("pk"),
    changed=("called_off_at",),
    key=("tariff",),
    refers=(Reference("tariff", "tariffs", "id"),),
    page="prices",
)

POLICIES = Dataset(
    name="pricing-policies",
    title=_("Pricing policies"),
    says=_("How far a price may lie above its cost: every version of the rule."),
    licence=CC_BY,
    columns=(
        integer("version", _("Counted from 1."), least="1", is_unique=True),
        *effective(),
        number("private_cap", _("Above the chargeable cost, as a share of it; 0.1 is a tenth."), least="0"),
        number("public_cap", _("The same for owners that are public bodies."), least="0"),
        number(
            "utilisation_floor", _("A node that is used less counts as used this much."), least="0", most="1"
        ),
        integer("window_months", _("Within which a surplus is given back."), unit="month", least="1"),
        words("reason", _("Why it was published.")),
        *published(),
    ),
    rows=lambda: PricingPolicy.objects.order_by("version"),
    changed=("published_at",),
    key=("version",),
    page="pricing_policy",
)

EXCEPTIONS = Dataset(
    name="price-exceptions",
    title=_("Exceptions to the cap"),
    says=_(
        "Nodes that stewards let ask more than the pricing policy allows: up to which price, from when until "
        "when, and why. A node that never was listed stands here by its identifier alone, as in the ledger."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The exception’s identifier."), "uid", is_unique=True),
        text("node", _("The node that it is about."), "node__uid"),
        number("highest_price", _("The highest price that it allows."), unit=EUR_PER_DEVICE_HOUR, least="0"),
        moment("effective_from", _("When it takes effect."), "effective__startswith"),
        moment("effective_until", _("When it ends, as granted."), "effective__endswith"),
        words("reason", _("Why it was granted.")),
        moment("granted_at", _("When it was granted.")),
        ledger_index(),
        moment("ended_at", _("Where it was ended early: when."), is_required=False),
        words("end_reason", _("Where it was ended early: why."), is_required=False),
        ledger_index("end_entry", "end_ledger_index"),
    ),
    rows=lambda: PriceException.objects.order_by("pk"),
    changed=("granted_at", "ended_at"),
    page="exceptions",
)
