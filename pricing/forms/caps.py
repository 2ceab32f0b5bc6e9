"""What stewards write to publish a pricing policy, and to grant and end exceptions to the cap."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from accounts.services.stewarding import LONGEST
from common.forms import NumberField
from common.lines import require_one_line
from pricing.domain.capping import Rules
from pricing.wording import percent_of

DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"]
_YEARS = range(2000, 2200)


def reason_field() -> forms.CharField:
    return forms.CharField(
        label=_("Reason"), max_length=LONGEST, validators=[require_one_line],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Public for good, in the ledger too. Name no person."),
    )  # fmt: skip


def day_field(**options: Any) -> forms.DateField:
    return forms.DateField(
        input_formats=DAYS,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("Write a day such as 2026-11-24.")},
        **options,
    )


class FromDay(forms.Form):
    """Days begin at 00:00 UTC; today, and no day, is at once."""

    def __init__(self, *args: Any, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self.at = at

    def clean_effective_from(self) -> datetime | None:
        day: date | None = self.cleaned_data["effective_from"]
        return None if day is None or day == self.at.astimezone(UTC).date() else _begins(day)

    def refuse(self, field: str, message: str, faults: Any = None) -> None:
        """A service's no, beside what was wrong."""
        for name, sentence in (faults or {field: message}).items():
            self.add_error(name if name in self.fields else None, sentence)


class PricingPolicyForm(FromDay):
    private_cap = NumberField(
        label=_("Private nodes, %"), hundredfold=True, example="10",
        help_text=_("How far a price may lie above the chargeable cost of an hour."),
    )  # fmt: skip
    public_cap = NumberField(
        label=_("Nodes of public bodies, %"), hundredfold=True, example="0",
        help_text=_("Funders’ rules allow public bodies to recover their costs, and no more."),
    )  # fmt: skip
    utilisation_floor = NumberField(
        label=_("Floor of use, %"), hundredfold=True, example="50",
        help_text=_("Where a node is used less, the cap counts as if it were used that much."),
    )  # fmt: skip
    window_months = forms.IntegerField(
        label=_("Window, months"), min_value=1, max_value=999,
        help_text=_("Within it, what was recovered too much or too little is passed on."),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    effective_from = day_field(
        label=_("Takes effect on"), required=False, help_text=_("Today and empty: at once. Else 00:00 UTC.")
    )
    reason = reason_field()

    def rules(self) -> Rules:
        said = self.cleaned_data
        return Rules(
            said["private_cap"], said["public_cap"], said["utilisation_floor"], said["window_months"]
        )

    @staticmethod
    def of(rules: Rules) -> dict[str, Any]:
        """What the form begins with."""
        shares = ("private_cap", "public_cap", "utilisation_floor")
        return {name: percent_of(getattr(rules, name)) for name in shares} | {
            "window_months": rules.window_months
        }


class PriceExceptionForm(FromDay):
    highest_price = NumberField(
        label=_("Highest price, EUR per device-hour"), example="2.50",
        help_text=_("Before VAT and the site’s fee."),
    )  # fmt: skip
    effective_from = day_field(label=_("From"), required=False, help_text=_("Today and empty: at once."))
    effective_until = day_field(label=_("Until"), help_text=_("Ends at 00:00 UTC of that day."))
    reason = reason_field()

    def clean_effective_until(self) -> datetime:
        return _begins(self.cleaned_data["effective_until"])


class PriceExceptionEndForm(forms.Form):
    reason = reason_field()


def _begins(day: date) -> datetime:
    if day.year not in _YEARS:
        raise forms.ValidationError(gettext("Write a day such as 2026-11-24."))
    return datetime.combine(day, time(), tzinfo=UTC)
