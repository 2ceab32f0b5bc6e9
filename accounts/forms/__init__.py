"""What people write about themselves, their organisations and their projects."""

from __future__ import annotations

from accounts.forms.data import EraseForm
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
    "CodeForm",
    "EraseForm",
    "ForgottenForm",
    "PasskeyForm",
    "PersonForm",
    "ReadingForm",
    "RenamePasskeyForm",
    "SignInForm",
    "SignUpForm",
    "languages",
    "zones",
]
