"""Deleting one's account: the address typed out, so that no stray click does it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import User


class EraseForm(forms.Form):
    email = forms.CharField(
        label=_("Your e-mail address, to confirm"),
        max_length=254,
        error_messages={"required": _("Write your e-mail address, to confirm.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["email"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "none"}

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"]
        if typed.strip().lower() != self.user.email.lower():
            raise ValidationError(gettext("This is not the address of your account."))
        return typed
