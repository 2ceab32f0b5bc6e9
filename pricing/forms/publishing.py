"""Publishing, correcting and ending what a node costs, and setting its price."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from common.forms import NumberField
from common.lines import require_one_line
from nodes.models import Node

DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"]


def reason(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, max_length=500, validators=[require_one_line],
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class FromDay(forms.Form):
    """The first day, where the node stands. Today means at once."""

    # How services call what is written here.
    FIELDS = {"effective_from": "first_day", "ends_at": "first_day"}
    first_day = forms.DateField(
        label=_("Takes effect on"), input_formats=DAYS,
        help_text=_("Today takes effect at once, another day at midnight there."),
        error_messages={"invalid": _("Write a day such as 2026-11-24.")},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip

    def __init__(self, *args: Any, node: Node, at: datetime, **options: Any) -> None:
        self.zone, self.at = ZoneInfo(node.site.time_zone), at
        super().__init__(*args, **options)

    def clean_first_day(self) -> date:
        day: date = self.cleaned_data["first_day"]
        if day < self.today:
            raise forms.ValidationError(gettext("It can begin today at the earliest, not in the past."))
        if day.year > self.today.year + 10:
            raise forms.ValidationError(gettext("That is too far away."))
        return day

    @property
    def today(self) -> date:
        return self.at.astimezone(self.zone).date()

    @property
    def moment(self) -> datetime:
        """At once, where the day is today or was not understood."""
        day: date = self.cleaned_data.get("first_day", self.today)
        return self.at if day == self.today else self.midnight(day)

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone)

    def refuse(self, field: str, message: str) -> None:
        """A service's no, beside what was wrong."""
        name = self.FIELDS.get(field, field)
        self.add_error(name if name in self.fields else None, message)


class PublishForm(FromDay):
    """A correction says why; a first statement need not."""

    FIELDS = FromDay.FIELDS | {"effective_until": "last_day"}
    last_day = forms.DateField(
        label=_("Last day"), input_formats=DAYS, required=False,
        help_text=_("Where it ends by itself. Left empty, it holds until another follows."),
        error_messages={"invalid": _("Write a day such as 2026-11-24.")},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip
    reason = reason(_("What was wrong, and what is right now"), _("Published with it, for good. One line."))

    def __init__(self, *args: Any, corrects: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not corrects:
            del self.fields["reason"]

    def clean_last_day(self) -> date | None:
        last: date | None = self.cleaned_data["last_day"]
        if last is not None and last.year > self.today.year + 10:
            raise forms.ValidationError(gettext("That is too far away."))
        return last

    @property
    def until(self) -> datetime | None:
        """Midnight after the last day."""
        last: date | None = self.cleaned_data.get("last_day")
        return self.midnight(last + timedelta(days=1)) if last else None


class CorrectForm(forms.Form):
    reason = reason(
        _("What was wrong"),
        _("Published with the correction, for good. Such as: staff was counted twice."),
    )


class CallOffForm(forms.Form):
    reason = reason(_("Why"), _("Published, for good. Such as: energy became cheaper."))


class WithdrawForm(FromDay):
    reason = reason(_("Why"), _("Published, for good. Such as: the machine was sold."))
    field_order = ("first_day", "reason")

    def __init__(self, *args: Any, **options: Any) -> None:
        is_announced: bool = options.pop("is_announced", False)
        super().__init__(*args, **options)
        self.fields["first_day"].label = _("Ends on")
        self.fields["first_day"].help_text = _("Today ends it at once, another day at midnight there.")
        if is_announced:  # it is called off, whatever day it is
            del self.fields["first_day"]


class PriceForm(FromDay):
    price = NumberField(
        label=_("Price, EUR per device-hour"), example="1.50",
        help_text=_(
            "What follows from your statement, less, or more within the cap. Before VAT and the site’s fee."
        ),
    )  # fmt: skip
    field_order = ("price", "first_day")
