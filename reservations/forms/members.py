"""What a lead sets for a member of a project."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.members import RoleForm


class MemberForm(RoleForm):
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
