"""Example values for the style guide. Worked example S1 of the cost research, so that sums add up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from common import formats


@dataclass(frozen=True)
class Figure:
    name: object
    value: object
    unit: str
    note: object


@dataclass(frozen=True)
class Line:
    label: object
    amount: Decimal
    why: object = ""
    is_sum: bool = False


@dataclass(frozen=True)
class CostStep:
    label: object
    amount: Decimal
    kind: str


@dataclass(frozen=True)
class Stage:
    name: object
    note: str
    state: str


@dataclass(frozen=True)
class Rule:
    outcome: str
    name: object
    text: object
    figures: list[object]
    remedy: object = ""
    used: Decimal | None = None
    limit: Decimal | None = None
    adding: Decimal | None = None


SURFACES = [
    (_("Ground"), "ground"),
    (_("Panel"), "panel"),
    (_("Panel, strong"), "panel-strong"),
    (_("Ink"), "ink"),
    (_("Ink, soft"), "ink-soft"),
    (_("Control edge"), "line-control"),
    (_("Action"), "action"),
    (_("Yours"), "own"),
    (_("Passed"), "good"),
    (_("Care"), "warn"),
    (_("Refused"), "bad"),
    (_("Data"), "data"),
    (_("Data, soft"), "data-soft"),
]

MOMENT = datetime(2026, 11, 24, 9, 42, 11, tzinfo=UTC)
LENGTH = timedelta(hours=3, minutes=18)
SLOT = timedelta(hours=6)
PRICE = Decimal("16.78")
AMOUNT = Decimal("1378.16")
PROMISED = Decimal("22.0")
DELIVERED = Decimal("20.4")
BELOW_COST = Decimal("-0.374")
ABOVE_COST = Decimal("0.082")

written = lazy(formats.number, str)  # in the language of whoever looks, not of whoever imports

FIGURES = [
    Figure(_("Median price"), written(Decimal("0.98")), "EUR/h", _("Full cost 1.37")),
    Figure(_("Carbon now"), "43", "g/h", _("Estimated until 11:00")),
    Figure(_("Reliability"), "–", "", _("Projected: first close on 1 December")),
]

RULES = [
    Rule(
        "refused",
        _("Room"),
        _("Your project may hold 2,640.5 cost-weighted hours. It holds 2,310.4; this would add 456.4."),
        [_("limit 2,640.5"), _("would be 2,766.8")],
        _("52 hours instead of 72."),
        used=Decimal("2310.4"),
        limit=Decimal("2640.5"),
        adding=Decimal("456.4"),
    ),
    Rule("passed", _("Week is open"), _("Week 48 was allocated on 18 November."), [_("48 open")]),
    Rule("idle", _("Public-interest floor"), _("Binds projects of other classes only."), ["–"]),
]

WATERFALL = [
    CostStep(_("Purchase"), Decimal("1.0405"), "plus"),
    CostStep(_("Electricity"), Decimal("0.1528"), "plus"),
    CostStep(_("Full cost"), Decimal("1.1933"), "sum"),
    CostStep(_("Paid by public grants"), Decimal("-0.6243"), "minus"),
    CostStep(_("You pay"), Decimal("0.5690"), "price"),
]

RECEIPT = [
    Line(_("Slot, 2 devices × 6 h"), Decimal("12.288000"), _("12.000000 at 1.024000")),
    Line(_("Started 14 s late, refunded"), Decimal("-0.008120"), _("28 device-seconds")),
    Line(_("Charged, EUR"), Decimal("12.279880"), _("Grant 2026-17"), is_sum=True),
]

STEPS = [
    Stage(_("Booked"), "18:02", "done"),
    Stage(_("Running"), "08:00", "now"),
    Stage(_("Ended"), "14:00", "next"),
]


class SpecimenForm(forms.Form):
    """One field of each kind; what it is filled with makes one of them wrong."""

    hours = forms.DecimalField(label=_("For, hours"), help_text=_("Quarter hours, 0.5 to 168"))
    most = forms.DecimalField(
        label=_("At most, EUR"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": _("Write an amount such as 2.50")},
    )
    device = forms.ChoiceField(label=_("Device"), choices=[("h100", _("H100 80 GB or better"))])
    grant = forms.CharField(label=_("Grant"), required=False, disabled=True, initial="2026-17")
    free = forms.BooleanField(label=_("Free today"), required=False)


def form() -> SpecimenForm:
    return SpecimenForm({"hours": "6", "most": "2,5O", "device": "h100", "free": "on"}, auto_id="specimen_%s")
