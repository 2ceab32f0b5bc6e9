"""Changes of how somebody signs in stand in the inbox, whoever made them."""

from __future__ import annotations

import pytest
from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.models import Notice, User


def told() -> list[str]:
    return [notice.params["change"] for notice in Notice.objects.order_by("pk")]


def test_a_changed_password_is_told(client: Client, ada: User) -> None:
    client.force_login(ada)
    form = {
        "oldpassword": "correct horse battery",
        "password1": "staple-9-Ladder",
        "password2": "staple-9-Ladder",
    }
    client.post("/accounts/password/change/", form)
    assert told() == ["password"]
    assert Notice.objects.get().mail == "none"  # allauth has mailed it


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Authenticator.Type.WEBAUTHN, "passkey_added"),
        (Authenticator.Type.TOTP, "totp_added"),
        (Authenticator.Type.RECOVERY_CODES, "recovery_codes"),
    ],
)
def test_a_new_second_factor_is_told(ada: User, kind: str, change: str) -> None:
    means = Authenticator(user=ada, type=kind, data={})
    mfa.authenticator_added.send(sender=Authenticator, request=None, user=ada, authenticator=means)
    assert told() == [change]


def test_what_is_taken_away_is_told_each_time(ada: User) -> None:
    means = Authenticator(user=ada, type=Authenticator.Type.WEBAUTHN, data={})
    for _twice in range(2):
        mfa.authenticator_removed.send(sender=Authenticator, request=None, user=ada, authenticator=means)
    assert told() == ["passkey_removed"] * 2


def test_another_address_and_another_way_in_are_told(ada: User) -> None:
    addresses = [EmailAddress(user=ada, email=f"{name}@example.org") for name in ("ada", "ada.moreau")]
    for old in (None, addresses[0]):  # the first is no change
        account.email_changed.send(
            sender=User, request=None, user=ada, from_email_address=old, to_email_address=addresses[1]
        )
    social.social_account_removed.send(
        sender=SocialAccount, request=None, socialaccount=SocialAccount(user=ada, provider="oidc")
    )
    assert told() == ["email", "provider_removed"]
