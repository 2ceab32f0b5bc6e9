"""What leads of an organisation type to open a project inside its share, and to part the shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.domain.classes import INDEPENDENT
from accounts.models import Project
from common.lines import require_one_line
from reservations.forms.standing import NO_SHARES, DayField, OneOfManyForm
from reservations.selectors.inside import ShareRow

MOST_SHARES = 1_000_000
NO_LEAD = _("Write the address of who is to lead it.")


class OpenForm(forms.Form):
    account = forms.TypedChoiceField(
        label=_("Account"),
        coerce=int,
        error_messages={"required": _("Choose the account that it stands below.")},
    )
    name = forms.CharField(
        label=_("Name of the project"),
        max_length=150,
        validators=[require_one_line],
        error_messages={"required": _("Say what the project is called.")},
    )
    summary = forms.CharField(
        label=_("In one sentence"), max_length=300, required=False, validators=[require_one_line]
    )
    lead_email = forms.EmailField(
        label=_("E-mail address of its lead"),
        help_text=_("An invitation goes there. The project waits for its lead until it is accepted."),
        error_messages={"required": NO_LEAD},
    )
    shares = forms.IntegerField(
        label=_("Shares"),
        min_value=0,
        max_value=MOST_SHARES,
        initial=1,
        help_text=_("Among the others of the account: with 2 it has twice the part of one with 1."),
        error_messages={"required": NO_SHARES},
    )
    project_class = forms.ChoiceField(
        label=_("Class"), initial=INDEPENDENT, error_messages={"required": _("Choose the class.")}
    )
    class_expires_at = DayField(
        label=_("Class holds until"),
        required=False,
        help_text=_("Three years at most. “Independent” needs no day."),
    )
    reason = forms.CharField(
        label=_("What shows that it is of this class"),
        max_length=500,
        required=False,
        validators=[require_one_line],
        help_text=_("Your organisation vouches for it. Kept with the class."),
    )

    def __init__(
        self, *args: Any, accounts: Iterable[ShareRow], permitted: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        account, chosen = self.fields["account"], self.fields["project_class"]
        assert isinstance(account, forms.ChoiceField)
        assert isinstance(chosen, forms.ChoiceField)
        account.choices = [(row.pk, row.name) for row in accounts]
        allowed = set(permitted)
        chosen.choices = [choice for choice in Project.Class.choices if choice[0] in allowed]


class LeadForm(OneOfManyForm):
    named = "lead"
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("An invitation to lead it goes there. With an address of yours you lead it at once."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": NO_LEAD},
    )


class SharesForm(OneOfManyForm):
    named = "shares"
    shares = forms.IntegerField(
        label=_("Shares"),
        min_value=0,
        max_value=MOST_SHARES,
        help_text=_("Decisions already taken keep what they were taken on."),
        error_messages={"required": NO_SHARES},
    )
