"""allauth's forms in the words of this site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.forms import (
    AddEmailForm,
    ConfirmEmailVerificationCodeForm,
    LoginForm,
    ResetPasswordForm,
    SignupForm,
)
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class SignInForm(LoginForm):  # type: ignore[misc]
    """A page that is for nothing else begins in its first field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _begin(self, "login", _("E-mail address"))
        # The way to a new one stands behind the button, not between the two fields.
        self.fields["password"].label, self.fields["password"].help_text = _("Password"), ""
        if "remember" in self.fields:
            self.fields["remember"].label = _("Stay signed in on this device")


class SignUpForm(SignupForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _begin(self, "email", _("E-mail address"))
        self.fields["password1"].label = _("Password")
        self.fields["password2"].label = _("Password, again")

    def try_save(self, request: HttpRequest) -> tuple[Any, Any]:
        """As slow where the address has an account, for which no password is kept: time tells, too."""
        user, response = super().try_save(request)
        if user is None:
            make_password(self.cleaned_data["password1"])
        return user, response


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _begin(self, "email", _("E-mail address"))


class AddressForm(AddEmailForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New e-mail address")


class CodeForm(ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _begin(self, "code", _("Code from the mail"))


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """Every key added here opens the account by itself: a box that asks about it would be one too many."""

    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self)

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except forms.ValidationError as refusal:
            if refusal.code != "incorrect_code":
                raise
            # What was signed belongs to a page opened since, or before: nobody entered any code.
            raise forms.ValidationError(
                _(
                    "The passkey is not added: adding one was begun again in another window."
                    " Try once more here."
                ),
                code=refusal.code,
            ) from refusal
        return cleaned


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self)


def _begin(form: forms.Form, field: str, label: StrOrPromise) -> None:
    form.fields[field].label = label
    form.fields[field].widget.attrs["autofocus"] = True


def _name(form: forms.Form) -> None:
    form.fields["name"].label = _("Name")
    form.fields["name"].help_text = _("To tell it from others, “Phone” for example.")
