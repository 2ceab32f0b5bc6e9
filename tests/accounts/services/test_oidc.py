from __future__ import annotations

from typing import Any

import pytest

from accounts.domain.providers import Provider
from accounts.services import oidc

UNIVERSITY = Provider("uni", "University", "https://uni.example", "equinode", "secret", True)


@pytest.mark.parametrize(
    ("token", "told", "email", "is_verified"),
    [
        ({"email": "ada@x.org"}, {"email": "eve@x.org", "email_verified": True}, "ada@x.org", False),
        ({"email": "ada@x.org", "email_verified": True}, {}, "ada@x.org", True),
        ({}, {"email": "ada@x.org", "email_verified": True}, "ada@x.org", True),
        ({"email_verified": True}, {"email": "ada@x.org"}, "ada@x.org", False),
    ],
)  # fmt: skip
def test_that_an_address_is_proved_is_believed_where_the_address_is_said(
    monkeypatch: pytest.MonkeyPatch,
    token: dict[str, Any],
    told: dict[str, Any],
    email: str,
    is_verified: bool,
) -> None:
    """Else an address that anybody may type in at the provider would open somebody else's account."""
    known = {"jwks_uri": "https://uni.example/keys", "userinfo_endpoint": "https://uni.example/me"}
    monkeypatch.setattr(oidc, "_discover", lambda provider: known)
    monkeypatch.setattr(oidc, "_exchange", lambda *asked: {"id_token": "x", "access_token": "y"})
    monkeypatch.setattr(oidc, "_verified", lambda *asked: {"sub": "7"} | token)
    monkeypatch.setattr(oidc, "_ask", lambda *asked, **options: {"sub": "7"} | told)
    claims = oidc.redeem(provider=UNIVERSITY, attempt=oidc.Attempt(), code="c", redirect_uri="/")
    assert (claims.email, claims.email_is_verified) == (email, is_verified)
