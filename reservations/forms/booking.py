"""What people type to book a slot. Rules are the services' business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import Project
from common import formats
from nodes.models import Device, Node
from reservations.domain import localtime

_LOCAL = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
# What can be moved between zones and counted on from without leaving the calendar.
_YEARS = range(1970, 2200)


class LocalTimeInput(forms.DateTimeInput):
    input_type = "datetime-local"


class NaiveDateTimeField(forms.DateTimeField):
    """What a clock on a wall shows; the zone comes later, for it may not be one moment."""

    widget = LocalTimeInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=_LOCAL, **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        # Not the parent's: that would take the reader's zone and refuse what clocks show twice.
        if value in self.empty_values:
            return None
        for pattern in _LOCAL:
            try:
                local = datetime.strptime(str(value).strip(), pattern)  # noqa: DTZ007  # a wall clock's
            except ValueError:
                continue
            if local.year in _YEARS:
                return local
        raise forms.ValidationError(gettext("Write a date and a time, such as 2026-11-24 14:00."))


@dataclass(frozen=True)
class Reading:
    """One of the two moments at which clocks show an ambiguous time."""

    value: str  # of the field <name>_second
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Question:
    """Which of the two moments is meant."""

    name: str
    sentence: str
    readings: tuple[Reading, Reading]


class DevicesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic when it runs
    """Devices by their public identifiers; what is none is no device, and is told as such."""

    def _check_values(self, value: Any) -> Any:
        try:
            return super()._check_values(value)  # type: ignore[misc]
        except forms.ValidationError as exc:
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice") from exc


def skipped(fault: localtime.NonexistentTime, zone: str) -> str:
    """Of a time that no clock of a zone shows."""
    return gettext(
        "Clocks in %(zone)s jump over %(time)s that night: it does not exist."
        " The next time that does is %(next)s."
    ) % {"zone": zone, "time": f"{fault.local:%H:%M}", "next": f"{fault.resumes:%H:%M}"}


class SlotForm(forms.Form):
    """A project, devices and a time as the reader's clock shows it."""

    project = forms.ChoiceField(
        label=_("For project"),
        error_messages={
            "required": _("Choose one of your projects."),
            "invalid_choice": _("Choose one of your projects."),
        },
    )
    device = DevicesField(
        Device.objects.none(),
        to_field_name="uid",
        error_messages={
            "required": _("Choose at least one device."),
            "invalid_choice": _("One of these devices is not listed any more."),
            "invalid_pk_value": _("One of these devices is not listed any more."),
        },
    )
    now = forms.BooleanField(required=False, label=_("Start at once"))
    start = NaiveDateTimeField(required=False, label=_("From"))
    end = NaiveDateTimeField(label=_("To"), error_messages={"required": _("Say when it ends.")})
    start_second = forms.ChoiceField(choices=[("0", "0"), ("1", "1")], required=False)
    end_second = forms.ChoiceField(choices=[("0", "0"), ("1", "1")], required=False)

    def __init__(self, data: Any, *, projects: Iterable[Project], at: datetime, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.zone = timezone.get_current_timezone_name()
        self.at = at
        self.questions: list[Question] = []
        self.projects = {project.slug: project for project in projects}
        choice = self.fields["project"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(slug, project.name) for slug, project in self.projects.items()]
        device = self.fields["device"]
        assert isinstance(device, forms.ModelMultipleChoiceField)
        device.queryset = Device.objects.filter(node__state=Node.State.LISTED).select_related("node__site")

    def clean_project(self) -> Project:
        return self.projects[self.cleaned_data["project"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("now"):
            cleaned["start"] = self.at
        elif cleaned.get("start"):
            cleaned["start"] = self._moment("start")
        elif "start" not in self.errors:
            self.add_error("start", gettext("Say when it starts."))
        if cleaned.get("end"):
            cleaned["end"] = self._moment("end")
        return cleaned

    def _moment(self, name: str) -> datetime | None:
        local, said = self.cleaned_data[name], self.cleaned_data.get(f"{name}_second")
        try:
            moment = localtime.to_utc(local, self.zone, second=None if not said else said == "1")
        except localtime.NonexistentTime as fault:
            self.add_error(name, skipped(fault, self.zone))
            return None
        except localtime.AmbiguousTime as fault:
            self.questions.append(self._question(name, fault, ""))
            self.add_error(name, self.questions[-1].sentence)
            return None
        if said:
            self._ask_again(name, local, said)
        return moment

    def _ask_again(self, name: str, local: datetime, said: str) -> None:
        """A question that was answered stays, so that the answer can be changed."""
        try:
            localtime.to_utc(local, self.zone)
        except localtime.AmbiguousTime as fault:
            self.questions.append(self._question(name, fault, said))

    def _question(self, name: str, fault: localtime.AmbiguousTime, said: str) -> Question:
        sentence = gettext("Clocks in %(zone)s show %(time)s twice that night. Which one do you mean?") % {
            "zone": self.zone,
            "time": f"{fault.local:%H:%M}",
        }
        labels = (gettext("The first, %s"), gettext("The second, an hour later, %s"))
        moments = (fault.earlier, fault.later)
        first, second = (
            Reading(str(number), label % _with_offset(moment, self.zone), said == str(number))
            for number, (label, moment) in enumerate(zip(labels, moments, strict=True))
        )
        return Question(f"{name}_second", sentence, (first, second))


def _with_offset(moment: datetime, zone: str) -> str:
    """`02:30 UTC+02:00`"""
    local = moment.astimezone(ZoneInfo(zone))
    offset = f"{local:%z}"
    return f"{formats.clock_time(moment)} UTC{offset[:3]}:{offset[3:]}"
