"""What people write about themselves, their organisations and their projects."""

from __future__ import annotations

from accounts.forms.person import PersonForm, ReadingForm, languages, zones
from accounts.forms.signing_in import SignInForm

__all__ = ["PersonForm", "ReadingForm", "SignInForm", "languages", "zones"]
