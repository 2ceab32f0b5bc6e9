"""What is said of a price beside the costs it is held against."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from common import formats
from pricing.domain.cost import markup
from pricing.models import CostStatement


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
