"""What people type to book a slot and to run a job in it. Rules are the services' business."""

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
from reservations.domain import jobs, localtime

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


class EnvironmentField(forms.CharField):
    """NAME=value, one a line."""

    def clean(self, value: Any) -> dict[str, str]:
        environment: dict[str, str] = {}
        for number, line in enumerate(super().clean(value).splitlines(), start=1):
            if not line.strip():
                continue
            name, separator, content = line.partition("=")
            if not separator:
                raise forms.ValidationError(
                    gettext("Line %(number)d is not NAME=value.") % {"number": number}
                )
            environment[name.strip()] = content
        return environment


class PatternsField(forms.CharField):
    """Glob patterns, one a line."""

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


_AS_USUAL = (None, "", jobs.Retry.NEVER, jobs.OnDisconnect.KEEP)


class RunForm(forms.Form):
    """A job: what to run, with which environment, and which files to bring back."""

    node = forms.ModelChoiceField(
        Node.objects.none(),
        to_field_name="slug",
        label=_("Node"),
        empty_label=None,
        error_messages={"required": _("Choose the node.")},
    )
    script = forms.CharField(
        label=_("Command or script"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=_("Run by /bin/sh in the job’s own folder, once the slot has started."),
        error_messages={"required": _("Write what is to run.")},
    )
    environment = EnvironmentField(
        required=False,
        label=_("Environment"),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_(
            "NAME=value, one a line. Members of your project and the node’s administrators can read it."
        ),
    )
    bring_back = PatternsField(
        required=False,
        label=_("Files to bring back"),
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text=_("Patterns such as out/*.csv, one a line."),
    )
    retry = forms.ChoiceField(
        required=False,
        label=_("If its node fails"),
        choices=[
            (jobs.Retry.NEVER, _("Do not run it again")),
            (jobs.Retry.FROM_START, _("Run it again from its start")),
            (jobs.Retry.FROM_CHECKPOINT, _("Run it again with the files of its checkpoint")),
        ],
        help_text=_("At most three times more, in what is left of the slot. What was lost is not charged."),
    )
    checkpoint = PatternsField(
        required=False,
        label=_("Files of the checkpoint"),
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text=_("Patterns such as state/*.pt, one a line. They are in its folder when it runs again."),
    )
    on_disconnect = forms.ChoiceField(
        required=False,
        label=_("If node and site cannot reach each other"),
        choices=[
            (jobs.OnDisconnect.KEEP, _("Let it run on until its slot ends")),
            (jobs.OnDisconnect.STOP, _("Stop it after ten minutes")),
        ],
    )
    # What hardly anybody changes: these stand folded below the others.
    IF_IT_FAILS = ("retry", "checkpoint", "on_disconnect")

    def clean_retry(self) -> str:
        return self.cleaned_data["retry"] or jobs.Retry.NEVER

    def clean_on_disconnect(self) -> str:
        return self.cleaned_data["on_disconnect"] or jobs.OnDisconnect.KEEP

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            cleaned["terms"] = jobs.Terms.pop(cleaned)
        return cleaned

    @property
    def first(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        return [field for field in self.visible_fields() if field.name not in self.IF_IT_FAILS]

    @property
    def if_it_fails(self) -> list[forms.BoundField]:
        return [self[name] for name in self.IF_IT_FAILS]

    @property
    def is_told_otherwise(self) -> bool:
        """Whether something there is wrong or not as usual: then it is not folded."""
        return any(field.errors or field.value() not in _AS_USUAL for field in self.if_it_fails)

    def __init__(self, data: Any, *, nodes: Iterable[Node], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        choice = self.fields["node"]
        assert isinstance(choice, forms.ModelChoiceField)
        found = list(nodes)
        choice.queryset = Node.objects.filter(pk__in=[node.pk for node in found])
        if len(found) == 1:
            choice.widget = forms.HiddenInput()
            choice.initial = found[0].slug
