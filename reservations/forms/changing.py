"""What people type to change a slot that they have. Rules are the services' business."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ProjectMembership, User
from nodes.models import Device
from reservations.forms.booking import NaiveDateTimeField, SlotForm
from reservations.models import Reservation


class MoveForm(SlotForm):
    """Devices and a time as the reader's clock shows it, for a slot whose project is known."""

    def __init__(self, data: Any, *, devices: Iterable[Device], at: datetime, **kwargs: Any) -> None:
        super().__init__(data, projects=(), at=at, **kwargs)
        del self.fields["project"], self.fields["now"]
        self.fields["start"].required = True
        self.fields["start"].error_messages["required"] = _("Say when it starts.")
        choice = self.fields["device"]
        assert isinstance(choice, forms.ModelMultipleChoiceField)
        choice.queryset = Device.objects.filter(pk__in=[device.pk for device in devices])


class ExtendForm(SlotForm):
    """Only a later end."""

    end = NaiveDateTimeField(label=_("Until"), error_messages={"required": _("Say when it ends.")})

    def __init__(self, data: Any, *, at: datetime, **kwargs: Any) -> None:
        super().__init__(data, projects=(), at=at, **kwargs)
        for name in ("project", "now", "device", "start", "start_second"):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = forms.Form.clean(self) or self.cleaned_data
        if cleaned.get("end"):
            cleaned["end"] = self._moment("end")
        return cleaned


KEEP = "keep"


class ReleaseForm(forms.Form):
    when = forms.ChoiceField(
        label=_("When"),
        choices=[*Reservation.ReleaseWhen.choices, (KEEP, _("Not at all: keep it"))],
        error_messages={"required": _("Say when."), "invalid_choice": _("Say when.")},
    )


class HandOverForm(forms.Form):
    to = forms.ModelChoiceField(
        User.objects.none(),
        to_field_name="uid",
        label=_("To"),
        empty_label=None,
        error_messages={
            "required": _("Choose a member."),
            "invalid_choice": _("Choose a member of the project."),
        },
    )

    def __init__(self, data: Any, *, reservation: Reservation, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        others = ProjectMembership.objects.filter(project=reservation.project_id)
        choice = self.fields["to"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = (
            User.objects.filter(pk__in=others.values("user"))
            .exclude(pk=reservation.booked_by_id)
            .order_by("name", "email")
        )


class AppealForm(forms.Form):
    text = forms.CharField(
        label=_("What happened"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("A steward reads it. It is not public."),
        error_messages={"required": _("Write what happened: a steward reads it.")},
    )


class AnswerForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("Answer"),
        choices=[
            ("", "–"),  # neither is chosen before the steward has read it
            ("upheld", _("Uphold it: the no-show counts no longer")),
            ("stands", _("The no-show stands")),
        ],
        error_messages={"required": _("Choose an answer."), "invalid_choice": _("Choose an answer.")},
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The person reads it."),
        error_messages={"required": _("Write why: the person reads it.")},
    )
