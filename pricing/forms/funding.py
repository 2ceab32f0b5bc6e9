"""Setting money aside, and giving it to a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import Project
from common.lines import require_one_line
from pricing.domain.funding import ceiling_of
from pricing.models import FundingLine


def euros(label: Any, *, required: bool = True) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=required, max_digits=12, decimal_places=2, min_value=Decimal("0.01"),
        error_messages={"required": _("Write how many EUR, such as 5000.")},
    )  # fmt: skip


def _day(label: Any, missing: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"type": "date"}), error_messages={"required": missing}
    )


def _name() -> forms.CharField:
    return forms.CharField(
        label=_("Name"), max_length=80, validators=[require_one_line],
        error_messages={"required": _("Give it a name.")},
    )  # fmt: skip


def _purpose() -> forms.CharField:
    return forms.CharField(
        label=_("Purpose"), max_length=300, validators=[require_one_line],
        error_messages={"required": _("Say what it is for.")},
    )  # fmt: skip


class Period(forms.Form):
    """The first and the last day, both in UTC and included."""

    first_day = _day(_("First day (UTC)"), _("Say on which day it begins."))
    last_day = _day(_("Last day (UTC)"), _("Say which day is the last."))

    @property
    def valid_from(self) -> datetime:
        return _midnight(self.cleaned_data["first_day"])

    @property
    def valid_until(self) -> datetime:
        return _midnight(self.cleaned_data["last_day"] + timedelta(days=1))

    def clean_last_day(self) -> date:
        last: date = self.cleaned_data["last_day"]
        if last == date.max:
            raise forms.ValidationError(gettext("That is too far away."))
        return last

    # How services call what is written here.
    FIELDS = {"valid_from": "first_day", "valid_until": "last_day"}

    def refuse(self, field: str, message: str) -> None:
        """A service's no, beside what was wrong."""
        name = self.FIELDS.get(field, field)
        self.add_error(name if name in self.fields else None, message)


class LineForm(Period):
    name = _name()
    purpose = _purpose()
    amount = euros(_("Amount, EUR"))
    classes = forms.MultipleChoiceField(
        label=_("For whom"), choices=Project.Class.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Classes of projects. None ticked: for all."),
    )  # fmt: skip
    allowance_hours = forms.DecimalField(
        label=_("Universal allowance, device-hours a month for each"), required=False,
        max_digits=8, decimal_places=2, min_value=Decimal("0.01"),
        help_text=_(
            "Only for the line that pays the universal allowance: every person’s own project and every "
            "student or citizen project gets so much each month."
        ),
    )  # fmt: skip
    allowance_amount = euros(_("Universal allowance, EUR a month for each at most"), required=False)
    field_order = (
        "name", "purpose", "amount", "first_day", "last_day", "classes", "allowance_hours",
        "allowance_amount",
    )  # fmt: skip


class GrantForm(Period):
    project = forms.CharField(
        label=_("Project"), max_length=150,
        help_text=_(
            "Begin to type its name or its address. One that holds its slots under a pseudonym is found by "
            "its id alone, which its leads see under Settings."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "projects", "spellcheck": "false"}),
        error_messages={"required": _("Say which project gets it.")},
    )  # fmt: skip
    line = forms.ModelChoiceField(
        label=_("Paid from"), queryset=FundingLine.objects.none(), to_field_name="uid", empty_label=None,
        error_messages={"required": _("Choose the line that pays.")},
    )  # fmt: skip
    name = _name()
    purpose = _purpose()
    unit = forms.ChoiceField(
        label=_("Given as"), choices=[("eur", "EUR"), ("hours", _("Device-hours"))], initial="eur",
        error_messages={"required": _("Choose what is given: EUR or device-hours.")},
        help_text=_("Device-hours end when they are used up, or when the EUR they may cost are."),
    )  # fmt: skip
    amount = euros(_("EUR, where EUR are given"), required=False)
    hours = forms.DecimalField(
        label=_("Device-hours, where hours are given"), required=False, max_digits=10, decimal_places=2,
        min_value=Decimal("0.01"),
    )  # fmt: skip
    price = forms.DecimalField(
        label=_("EUR a device-hour may cost"), required=False, max_digits=10, decimal_places=4,
        min_value=Decimal("0.0001"), help_text=_("Times the device-hours, it is the most the grant pays."),
    )  # fmt: skip
    field_order = (
        "project", "line", "name", "purpose", "first_day", "last_day", "unit", "amount", "hours", "price",
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        lines: QuerySet[FundingLine],
        named: Callable[[str], Sequence[Project]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.named = named  # what the text of a project means to who gives
        choice = self.fields["line"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = lines

    def clean_project(self) -> Project:
        """Of a project that one may not know of nothing is said that would not be said of none."""
        known = self.named(self.cleaned_data["project"])
        if not known:
            raise forms.ValidationError(gettext("No project that you can see is called so."))
        if len(known) > 1:
            addresses = ", ".join(one.slug for one in known)
            raise forms.ValidationError(
                gettext("Several projects are called so. Write the address of one: %(addresses)s.")
                % {"addresses": addresses}
            )
        return known[0]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        needed = ("amount",) if given.get("unit") == "eur" else ("hours", "price")
        for name in needed:
            if name not in self.errors and given.get(name) is None:
                self.add_error(name, gettext("This is needed here."))
        return given

    @property
    def wanted_hours(self) -> Decimal | None:
        return None if self.cleaned_data["unit"] == "eur" else self.cleaned_data["hours"]

    @property
    def ceiling(self) -> Decimal:
        """EUR that the grant pays at most."""
        asked = self.cleaned_data
        if asked["unit"] == "eur":
            amount: Decimal = asked["amount"]
            return amount
        return ceiling_of(asked["hours"], price=asked["price"])


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
