"""What stewards write to grant an exception to the policy, and to end one."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy as _

from accounts.services.stewarding import LONGEST
from common.lines import require_one_line
from reservations.domain.easing import read_value
from reservations.forms.standing import DayField, OneOfManyForm
from reservations.models import PolicyException


class ExactField(forms.CharField):
    """`336`, `0.75`, `0,75` or `3/4`, exactly."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> Fraction:
        text = super().clean(value)
        try:
            return read_value(text.replace(",", "."))
        except ValueError as exc:
            raise ValidationError(gettext("Write a number such as 336, 0.75 or 3/4.")) from exc


class ExceptionForm(OneOfManyForm):
    """Days begin at 00:00 UTC; today is at once."""

    named = "grant"
    number = forms.ChoiceField(
        label=_("Number of the policy"),
        choices=PolicyException.Number.choices,
        error_messages={"required": _("Choose which number of the policy it is about.")},
    )
    value = ExactField(
        label=_("For this project"),
        help_text=_("Hours, days, or a part such as 3/4."),
        error_messages={"required": _("Write what holds for this project, such as 336 or 3/4.")},
    )
    effective_from = DayField(label=_("From"), required=False, help_text=_("Empty: at once."))
    effective_until = DayField(
        label=_("Until"),
        help_text=_("Ends at 00:00 UTC of that day."),
        error_messages={"required": _("Say on which day it ends.")},
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST,
        validators=[require_one_line],
        help_text=_("Public for good, in the ledger too. Name no person."),
        error_messages={"required": _("Write why: it is public for good.")},
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def clean_effective_from(self) -> datetime | None:
        begins: datetime | None = self.cleaned_data["effective_from"]
        is_today = begins is not None and begins <= self.at and begins.date() == self.at.date()
        return None if is_today else begins


class ExceptionEndForm(OneOfManyForm):
    named = "end"
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST,
        validators=[require_one_line],
        help_text=_("Public for good, in the ledger too. Name no person."),
        error_messages={"required": _("Write why: it is public for good.")},
    )
