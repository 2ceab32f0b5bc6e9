"""What stewards write to draft a policy, to publish one and to call one off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import Project
from accounts.services.stewarding import LONGEST
from common.lines import require_one_line
from reservations import wording
from reservations.domain.calendar import MINUTES_OF_DAY, OFF_PEAK, PEAK, Band, Calendar
from reservations.domain.easing import read_value
from reservations.domain.linter import NUMBERS, Fault, lint
from reservations.domain.policy import BY_CLASS, CLASSES, ClassNumbers, Policy
from reservations.domain.policy_changes import kind_of, peak_hours
from reservations.forms.standing import DayField
from reservations.wording.policies import FACTOR, PART, UNITS

# The numbers that a policy may leave out are those of rules that it need not have.
_OPTIONAL = {name for name in NUMBERS if getattr(Policy(), name) is None}
_RANGE = re.compile(r"(\d{1,2})(?:[:.hH](\d{2})?)?\s*[-–—]\s*(\d{1,2})(?:[:.hH](\d{2})?)?")
WHOLE = re.compile(r"[0-9]{1,9}")


class WholeField(forms.CharField):
    """A whole number in a field that takes text: a browser's number field loses what it cannot read."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 7})
        super().__init__(max_length=20, widget=widget, **options)

    def clean(self, value: Any) -> int | None:
        text = re.sub(r"[\s\u00a0\u202f]", "", super().clean(value) or "")
        if not text:
            return None
        if WHOLE.fullmatch(text) is None:
            raise ValidationError(gettext("Write a whole number, such as 24."))
        return int(text)


class PartField(forms.CharField):
    """`20 %`, `0.2` or `1/5`, exactly."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "size": 7})
        super().__init__(max_length=20, widget=widget, **options)

    def clean(self, value: Any) -> Fraction | None:
        text = re.sub(r"[\s\u00a0\u202f]", "", super().clean(value) or "").replace(",", ".")
        if not text:
            return None
        try:
            return read_value(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError as exc:
            raise ValidationError(gettext("Write a number such as 20 %, 0.2 or 1/5.")) from exc


class PeakField(forms.CharField):
    """`08:00–20:00`, several with commas; empty: no hour of the day is peak."""

    def __init__(self, *, weekday: int, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off"})
        super().__init__(max_length=200, required=False, widget=widget, **options)
        self.weekday = weekday

    def clean(self, value: Any) -> tuple[Band, ...]:
        text = super().clean(value)
        peaks = [self._band(part.strip()) for part in re.split(r"[,;]", text) if part.strip()]
        return (*peaks, *_rest_of_day(self.weekday, peaks))

    def _band(self, text: str) -> Band:
        found = _RANGE.fullmatch(text)
        if found is not None:
            start, end = (int(found[n]) * 60 + int(found[n + 1] or 0) for n in (1, 3))
            if start < end <= MINUTES_OF_DAY and int(found[2] or 0) < 60 and int(found[4] or 0) < 60:
                return Band(self.weekday, start, end, PEAK)
        raise ValidationError(
            gettext("“%(text)s” is no part of a day. Write hours such as 08:00–20:00, at most until 24:00.")
            % {"text": text}
        )


def _rest_of_day(weekday: int, peaks: Iterable[Band]) -> Iterator[Band]:
    covered = 0
    for band in sorted(peaks):
        if band.start_minute > covered:
            yield Band(weekday, covered, band.start_minute, OFF_PEAK)
        covered = max(covered, band.end_minute)
    if covered < MINUTES_OF_DAY:
        yield Band(weekday, covered, MINUTES_OF_DAY, OFF_PEAK)


def _number_field(name: str, **options: Any) -> forms.Field:
    return PartField(**options) if UNITS[name] in (PART, FACTOR) else WholeField(**options)


def as_written(name: str, value: int | Fraction | None) -> str:
    """A number as it stands in its field."""
    if value is None:
        return ""
    if UNITS[name] == PART and (value * 100) % 1 == 0:
        return f"{int(value * 100)} %"
    return str(value)


class PolicyForm(forms.Form):
    """Every number of a policy. What is read is a Policy; whether it is sound, the linter says."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    has_peak = forms.BooleanField(required=False, label=_("There are peak hours"))
    holidays_off_peak = forms.BooleanField(required=False, label=_("Public holidays are off-peak all day"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in NUMBERS:
            self.fields[name] = _number_field(
                name, label=wording.policy_number_name(name), required=name not in _OPTIONAL,
                help_text=wording.unit_name(name),
                error_messages={"required": gettext("Write a number: every policy has it.")},
            )  # fmt: skip
        for weekday in range(7):
            self.fields[f"peak_{weekday}"] = PeakField(weekday=weekday, label=capfirst(WEEKDAYS[weekday]))
        for code, label in Project.Class.choices:
            self._add_class(code, str(label))

    def _add_class(self, code: str, label: str) -> None:
        self.fields[f"class_{code}_kind"] = forms.ChoiceField(
            label=label, required=False,
            choices=[(kind, wording.kind_name(kind)) for kind in ("", "public_interest", "commercial")],
        )  # fmt: skip
        for name in BY_CLASS:
            label_of = f"{label}, {wording.policy_number_name(name)}"
            self.fields[f"class_{code}_{name}"] = _number_field(name, label=label_of, required=False)
            # In a table whose heads say it: what reads aloud is told the whole.
            self.fields[f"class_{code}_{name}"].widget.attrs["aria-label"] = label_of

    @staticmethod
    def of(policy: Policy, revision: int) -> dict[str, Any]:
        """What the form begins with."""
        written: dict[str, Any] = {name: as_written(name, getattr(policy, name)) for name in NUMBERS}
        for weekday in range(7):
            hours = peak_hours(policy.peak, weekday)
            written[f"peak_{weekday}"] = wording.hours_of_day(hours) if hours else ""
        for code in CLASSES:
            numbers = policy.of_class(code)
            written[f"class_{code}_kind"] = kind_of(numbers)
            for name in BY_CLASS:
                value = numbers.own.get(name) if numbers else None
                written[f"class_{code}_{name}"] = as_written(name, value)
        return written | {
            "revision": revision,
            "has_peak": policy.peak is not None,
            "holidays_off_peak": policy.peak is None or policy.peak.holidays_off_peak,
        }

    @classmethod
    def showing(cls, policy: Policy, revision: int, faults: Sequence[Fault]) -> PolicyForm:
        """Filled with a draft, and with what is wrong with it."""
        written = cls.of(policy, revision)
        if not faults:
            return cls(initial=written)
        form = cls(written)
        form.tell(faults)
        return form

    def policy(self) -> Policy:
        said = self.cleaned_data
        return replace(
            Policy(), **{name: said[name] for name in NUMBERS}, peak=self._peak(), classes=self._classes()
        )

    def _peak(self) -> Calendar | None:
        said = self.cleaned_data
        if not said["has_peak"]:
            return None
        bands = (band for weekday in range(7) for band in sorted(said[f"peak_{weekday}"]))
        return Calendar(tuple(bands), said["holidays_off_peak"])

    def _classes(self) -> tuple[ClassNumbers, ...]:
        """None where nothing is said of any class: then a policy has no such numbers."""
        found = tuple(self._class(code) for code in CLASSES)
        return found if any(one != ClassNumbers(one.code) for one in found) else ()

    def _class(self, code: str) -> ClassNumbers:
        said = self.cleaned_data
        kind = said[f"class_{code}_kind"]
        return ClassNumbers(
            code, kind == "public_interest", kind == "commercial",
            **{name: said[f"class_{code}_{name}"] for name in BY_CLASS},
        )  # fmt: skip

    def tell(self, faults: Iterable[Fault]) -> None:
        """Each fault at its field; of the calendar, at its day."""
        self.full_clean()
        for fault in faults:
            self.add_error(self._field_of(fault), wording.fault(fault))

    def tell_of_what_is_read(self, *, otherwise: Policy) -> None:
        """Beside what cannot be read, what is wrong with the rest. For the unread `otherwise` stands in."""
        unread, stored = {*self.errors}, PolicyForm(self.of(otherwise, 1))
        if not stored.is_valid():
            return
        for name, value in stored.cleaned_data.items():
            self.cleaned_data.setdefault(name, value)
        for fault in lint(self.policy()):
            field = self._field_of(fault)
            if field not in unread and fault.other not in unread:
                self.add_error(field, wording.fault(fault))

    def _field_of(self, fault: Fault) -> str | None:
        if fault.hours is not None:
            return f"peak_{fault.hours.weekday}"
        name = fault.field.replace(".", "_").replace("classes_", "class_")
        known = {"peak": "has_peak", f"class_{fault.class_code}": f"class_{fault.class_code}_kind"}
        found = known.get(name, name)
        return found if found in self.fields else None

    # --- as the page groups them -------------------------------------------------------------------------
    def numbers(self, names: Iterable[str]) -> list[BoundField]:
        return [self[name] for name in names]

    def days(self) -> list[BoundField]:
        return [self[f"peak_{weekday}"] for weekday in range(7)]

    def class_names(self) -> list[str]:
        return [wording.class_name(code) for code in CLASSES]

    def kinds(self) -> list[BoundField]:
        """Of each class, under its name."""
        return [self[f"class_{code}_kind"] for code in CLASSES]

    def class_rows(self) -> list[Mapping[str, Any]]:
        """By number: a field of each class."""
        return [
            {
                "name": wording.policy_number_name(name),
                "unit": wording.unit_name(name),
                "fields": [self[f"class_{code}_{name}"] for code in CLASSES],
            }
            for name in BY_CLASS
        ]


class _WithReason(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST, validators=[require_one_line],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Public for good, in the ledger too. Name no person."),
        error_messages={"required": _("Write why: it is public for good.")},
    )  # fmt: skip

    def refuse(self, field: str, message: str) -> None:
        self.add_error(field if field in self.fields else None, message)


class PublishForm(_WithReason):
    """`follows` and `revision` are what the differences were shown of."""

    follows = forms.IntegerField(widget=forms.HiddenInput, required=False)
    revision = forms.IntegerField(widget=forms.HiddenInput)
    effective_from = DayField(
        label=_("Takes effect on"), required=False, help_text=_("Today and empty: at once. Else 00:00 UTC.")
    )
    field_order = ("effective_from", "reason")

    def __init__(self, *args: Any, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self.at = at

    def clean_effective_from(self) -> datetime | None:
        begins: datetime | None = self.cleaned_data["effective_from"]
        is_today = begins is not None and begins <= self.at and begins.date() == self.at.date()
        return None if is_today else begins


class CallOffForm(_WithReason):
    pass
