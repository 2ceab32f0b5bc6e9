"""What people type to say what they need: how many devices of which kind, for how long, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from reservations.domain import localtime
from reservations.domain.needs import Need, Order
from reservations.forms.booking import NaiveDateTimeField, skipped

GIB = 1024**3
MOST_DEVICES, MOST_HOURS = 64, 672
_MEMORIES = (16, 24, 48, 80, 141)  # GB, where makers draw lines
_KIND = re.compile(r"model:[a-z0-9-]{1,80}|memory:[0-9]{1,4}")
A_QUARTER = Decimal("0.25")
TIME_IS_PAST = _("This time is past. Write a later one, or leave it empty.")
WRITE_HOURS = _("Write hours from 0.25 to 672, in quarters, such as 6 or 1.5.")
_WRITE_DEVICES = _("Write a number of devices from 1 to 64.")
_WRITE_MONEY = _("Write an amount in EUR, such as 25, or leave it empty.")


class NeedForm(forms.Form):
    """Times are those of the reader's clock; of one that it shows twice the wider reading is taken."""

    count = forms.IntegerField(
        label=_("I need"), min_value=1, max_value=MOST_DEVICES,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), _WRITE_DEVICES),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    want = forms.RegexField(
        _KIND, label=_("Device"), widget=forms.Select, error_messages={"required": _("Choose a device.")}
    )
    hours = forms.DecimalField(
        label=_("For, hours"), min_value=A_QUARTER, max_value=MOST_HOURS, decimal_places=2, localize=True,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value", "max_decimal_places"), WRITE_HOURS
        ),
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    after = NaiveDateTimeField(required=False, label=_("Not before"))
    by = NaiveDateTimeField(required=False, label=_("Done by"))
    most = forms.DecimalField(
        required=False, label=_("At most, EUR"), min_value=0, max_digits=12, decimal_places=6, localize=True,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_decimal_places", "max_digits", "max_whole_digits"), _WRITE_MONEY
        ),
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    order = forms.ChoiceField(choices=[(one.value, one.value) for one in Order], required=False)

    def __init__(self, data: Any, *, models: Iterable[tuple[str, str]], at: datetime, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.at = at
        self.zone = timezone.get_current_timezone_name()
        kinds = [("memory:0", gettext("Any accelerator"))]
        kinds += [(f"memory:{size}", gettext("%d GB of memory or more") % size) for size in _MEMORIES]
        kinds += [(f"model:{key}", name) for key, name in models]
        select = self.fields["want"].widget
        assert isinstance(select, forms.Select)
        select.choices = kinds

    def clean_hours(self) -> Decimal:
        hours: Decimal = self.cleaned_data["hours"]
        if hours % A_QUARTER:
            raise forms.ValidationError(WRITE_HOURS)
        return hours

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, is_second in (("after", False), ("by", True)):
            if cleaned.get(name):
                cleaned[name] = self._moment(name, is_second=is_second)
        if cleaned.get("after") and cleaned.get("by") and cleaned["by"] <= cleaned["after"]:
            self.add_error("by", gettext("It is to be done later than it may begin."))
        elif cleaned.get("by") and cleaned["by"] <= self.at:
            self.add_error("by", TIME_IS_PAST)
        return cleaned

    def _moment(self, name: str, *, is_second: bool) -> datetime | None:
        try:
            return localtime.to_utc(self.cleaned_data[name], self.zone, second=is_second)
        except localtime.NonexistentTime as fault:
            self.add_error(name, skipped(fault, self.zone))
            return None

    def need(self) -> Need:
        """Of a form that is right."""
        filled = self.cleaned_data
        kind, _colon, which = filled["want"].partition(":")
        return Need(
            devices=filled["count"],
            length=timedelta(minutes=int(filled["hours"] * 60)),
            model=which if kind == "model" else "",
            memory_bytes=int(which) * GIB if kind == "memory" else 0,
            not_before=filled["after"],
            done_by=filled["by"],
            at_most=filled["most"],
            order=Order(filled["order"] or Order.FINISH),
        )
