"""allauth's forms in the words of this site."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


class SignInForm(LoginForm):  # type: ignore[misc]
    """A page that is for nothing else begins in its first field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs["autofocus"] = True
        if "remember" in self.fields:
            self.fields["remember"].label = _("Stay signed in on this device")


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """Every key added here opens the account by itself: a box that asks about it would be one too many."""

    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self)


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self)


def _name(form: forms.Form) -> None:
    form.fields["name"].label = _("Name")
    form.fields["name"].help_text = _("To tell it from others, “Phone” for example.")
