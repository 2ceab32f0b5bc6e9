"""Inviting to a project, and what a lead sets for a member."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from accounts.forms.members import InviteForm as AnyInviteForm
from accounts.models import ProjectMembership

ROLES = ProjectMembership.Role.choices


class InviteForm(AnyInviteForm):
    """To a project."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        means = gettext("Leads invite others, set roles and caps, and may cancel any slot.")
        super().__init__(*args, role_means=means, **kwargs)


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
