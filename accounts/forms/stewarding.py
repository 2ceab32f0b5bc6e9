"""What stewards write: why they do something to an account, and what everybody reads."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Announcement
from accounts.services.stewarding import LONGEST
from common.lines import require_one_line


class ActForm(forms.Form):
    """One of the things that a person's page offers, with its reason."""

    act = forms.ChoiceField(
        choices=[(act, act) for act in ("close", "reopen", "end_sessions")],
        error_messages={"required": _("Press what is to be done.")},
    )
    reason = forms.CharField(
        label=_("Why"), max_length=LONGEST, validators=[require_one_line],
        help_text=_("Kept with what you do. Stewards read it."),
        error_messages={"required": _("Write why: it is kept with what you do.")},
    )  # fmt: skip


class AnnouncementForm(forms.Form):
    """A sentence in both languages, and its time in the steward's own zone."""

    text_en = forms.CharField(
        label=_("In English"), max_length=500, validators=[require_one_line],
        error_messages={"required": _("Write it in English, too.")},
    )  # fmt: skip
    text_fr = forms.CharField(
        label=_("In French"), max_length=500, validators=[require_one_line],
        error_messages={"required": _("Write it in French, too.")},
    )  # fmt: skip
    level = forms.ChoiceField(
        label=_("Kind"), choices=Announcement.Level.choices,
        error_messages={"required": _("Choose the kind.")},
    )  # fmt: skip
    since = forms.DateTimeField(label=_("From"), error_messages={"required": _("Say from when it is shown.")})
    until = forms.DateTimeField(
        label=_("Until"), error_messages={"required": _("Say until when it is shown.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "required": True}, format="%Y-%m-%dT%H:%M"
            )
