"""Inviting to a project, and what a lead sets for a member."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ProjectMembership

ROLES = ProjectMembership.Role.choices


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("A link goes there that only its owner can use, once, within 14 days."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, initial=ProjectMembership.Role.MEMBER)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].help_text = _("Leads invite others, set roles and caps, and may cancel any slot.")


class MemberForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES)
    monthly_cap = forms.DecimalField(
        label=_("Cap, device-hours a month"),
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        help_text=_(
            "Counts slots by the month (UTC) in which they begin. Empty: no cap. What is booked stays."
        ),
    )
