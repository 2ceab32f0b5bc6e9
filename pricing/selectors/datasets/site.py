"""What the site itself costs and takes, as open data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.open_data.columns import integer, members, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Reference
from pricing.models import SiteCosts, SiteFee
from pricing.selectors.datasets.shared import (
    EUR_A_YEAR,
    EUR_PER_DEVICE_HOUR,
    correction,
    effective,
    ledger_index,
    published,
)

COSTS = Dataset(
    name="site-costs",
    title=_("Costs of the site"),
    says=_("What this site itself says that it costs, and the highest fee that follows from it."),
    licence=CC_BY,
    columns=(
        text("id", _("The statement’s identifier."), "uid", is_unique=True),
        integer("number", _("Counted from 1."), least="1", is_unique=True),
        *effective(),
        members("costs", _("Every item of it, with its sentence and source.")),
        number("total_year", _("All items together."), unit=EUR_A_YEAR, least="0"),
        number("subsidy_year", _("What others pay of it."), unit=EUR_A_YEAR, least="0"),
        number("device_hours", _("Device-hours expected in a year."), unit="h", least="0"),
        number("highest_fee", _("The highest fee that these allow."), unit=EUR_PER_DEVICE_HOUR, least="0"),
        *correction(),
        *published(),
    ),
    rows=lambda: SiteCosts.objects.order_by("number"),
    changed=("published_at",),
    refers=(Reference("corrects", "site-costs", "id"),),
    page="site_costs",
)

FEES = Dataset(
    name="site-fees",
    title=_("The site’s fee"),
    says=_("What this site itself takes for a device-hour, a line of its own in every price."),
    licence=CC_BY,
    columns=(
        *effective(),
        number("amount", _("The fee, before VAT."), unit=EUR_PER_DEVICE_HOUR, least="0"),
        text(
            "site_costs",
            _("The costs that it follows from; empty: nothing is charged, or it is older than they are."),
            "statement__uid",
            is_required=False,
        ),
        words("reason", _("Why it is that.")),
        moment("published_at", _("When it was published.")),
        ledger_index(),
    ),
    rows=lambda: SiteFee.objects.order_by("pk"),
    changed=("published_at",),
    key=("effective_from",),
    refers=(Reference("site_costs", "site-costs", "id"),),
    page="site_costs",
)
