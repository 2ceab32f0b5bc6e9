"""Inviting somebody to a project or an organisation, and what a lead sets for a member."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import OrganisationMembership

ROLES = OrganisationMembership.Role.choices
NO_ROLE = _("Choose the role.")


class InviteForm(forms.Form):
    """`role_means` says what a lead of it may do."""

    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("A link goes there that only its owner can use, once, within 14 days."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write the address of whom you invite.")},
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=ROLES, initial=OrganisationMembership.Role.MEMBER,
        error_messages={"required": NO_ROLE},
    )  # fmt: skip

    def __init__(self, *args: Any, role_means: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].help_text = role_means


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, error_messages={"required": NO_ROLE})
