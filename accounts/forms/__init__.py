"""What people write about themselves, their organisations and their projects."""

from __future__ import annotations

from accounts.forms.data import EraseForm
from accounts.forms.passwords import (
    AppForm,
    ChangedPasswordForm,
    FirstPasswordForm,
    ForgottenPasswordForm,
    PasswordAgainForm,
    SecondFactorAgainForm,
    SecondFactorForm,
)
from accounts.forms.person import PersonForm, ReadingForm, languages, zones
from accounts.forms.signing_in import (
    AddressForm,
    CodeForm,
    ForgottenForm,
    PasskeyForm,
    RenamePasskeyForm,
    SignInForm,
    SignUpForm,
)

__all__ = [
    "AddressForm",
    "AppForm",
    "ChangedPasswordForm",
    "CodeForm",
    "EraseForm",
    "FirstPasswordForm",
    "ForgottenForm",
    "ForgottenPasswordForm",
    "PasskeyForm",
    "PasswordAgainForm",
    "PersonForm",
    "ReadingForm",
    "RenamePasskeyForm",
    "SecondFactorAgainForm",
    "SecondFactorForm",
    "SignInForm",
    "SignUpForm",
    "languages",
    "zones",
]
