"""What people write about themselves, their organisations and their projects."""

from __future__ import annotations

from accounts.forms.data import EraseForm
from accounts.forms.person import PersonForm, ReadingForm, languages, zones
from accounts.forms.signing_in import PasskeyForm, RenamePasskeyForm, SignInForm

__all__ = [
    "EraseForm",
    "PasskeyForm",
    "PersonForm",
    "ReadingForm",
    "RenamePasskeyForm",
    "SignInForm",
    "languages",
    "zones",
]
