"""allauth's forms of passwords and codes, each field called as on the other pages."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    ReauthenticateForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
)
from allauth.mfa.base import forms as second_factors
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext_lazy as _

NEW = {"password1": _("New password"), "password2": _("New password, again")}
CODE = {"code": _("Code from the app, or a recovery code")}


class ChangedPasswordForm(ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, {"oldpassword": _("Current password")} | NEW)


class FirstPasswordForm(SetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, NEW)


class ForgottenPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, NEW)


class PasswordAgainForm(ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, {"password": _("Password")})


class SecondFactorForm(second_factors.AuthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, CODE)


class SecondFactorAgainForm(second_factors.ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, CODE)


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call(self, {"code": _("Code that the app shows")})


def _call(form: forms.Form, labels: dict[str, Any]) -> None:
    for name, label in labels.items():
        form.fields[name].label = label
    # A page that is for nothing else begins in its first field.
    form.fields[next(iter(labels))].widget.attrs["autofocus"] = True
