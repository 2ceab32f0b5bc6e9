"""Second factors: how passkeys are called, by what name a telephone shows this site, how secrets are kept."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import second_factors
from accounts.wording.signing_in import SECOND_FACTOR


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = DefaultMFAAdapter.error_messages | SECOND_FACTOR

    def generate_authenticator_name(self, user: User, type: str) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Passkey %(number)s") % {"number": count + 1}

    def _get_site_name(self) -> str:
        return "Equinode"

    def encrypt(self, text: str) -> str:
        return second_factors.sealed(text)

    def decrypt(self, encrypted_text: str) -> str:
        return second_factors.opened(encrypted_text)
