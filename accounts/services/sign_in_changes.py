"""A line in the inbox for every change of how somebody signs in; the mail about it is allauth's own.

allauth makes these changes, so its signals are where they are known.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from django.dispatch import Signal
from django.urls import reverse

from accounts.models import User
from accounts.services.notices import notify
from common import clock

_MEANS = {
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.TOTP: "totp",
}


def listen() -> None:
    """Called once, when the apps are ready."""
    for signal in (account.password_changed, account.password_set, account.password_reset):
        _on(signal, "password")
    account.email_changed.connect(_address_changed, dispatch_uid="notices")
    _on(social.social_account_added, "provider_added")
    _on(social.social_account_removed, "provider_removed")
    mfa.authenticator_added.connect(_means_added, dispatch_uid="notices")
    mfa.authenticator_removed.connect(_means_removed, dispatch_uid="notices")
    mfa.authenticator_reset.connect(_codes_made, dispatch_uid="notices")


def _on(signal: Signal, change: str) -> None:
    def tell(user: User | None = None, sociallogin: Any = None, socialaccount: Any = None, **_: Any) -> None:
        found = user or getattr(sociallogin or socialaccount, "user", None)
        if found is not None:
            _tell(found, change)

    signal.connect(tell, weak=False, dispatch_uid=f"notices {change}")


def _address_changed(user: User, from_email_address: Any = None, **_: Any) -> None:
    if from_email_address is not None:  # the first address that somebody proves is no change
        _tell(user, "email")


def _means_added(user: User, authenticator: Authenticator, **_: Any) -> None:
    if (means := _MEANS.get(authenticator.type)) is not None:
        _tell(user, f"{means}_added")
    elif authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _codes_made(user)


def _means_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    if (means := _MEANS.get(authenticator.type)) is not None:
        _tell(user, f"{means}_removed")


def _codes_made(user: User, **_: Any) -> None:
    _tell(user, "recovery_codes")


def _tell(user: User, change: str) -> None:
    """Each time: two passkeys added are two things to know of."""
    notify(
        users=[user], kind="sign_in_changed", params={"change": change}, url=reverse("security"),
        dedupe=f"sign-in:{uuid4()}", at=clock.now(),
    )  # fmt: skip
