"""Speaking OpenID Connect with a provider: authorization code, PKCE, nonce, a signed ID token."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
import requests
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.domain.providers import Provider
from accounts.errors import ProviderAway, ProviderRefused
from common.fetch import FetchSession, origin

# Signatures that only the provider can make: none that our own secret would verify, and never "none".
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 60  # seconds that the provider's clock may be wrong by


@dataclass(frozen=True)
class Attempt:
    """What is kept in the visitor's session from leaving for the provider until coming back."""

    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True)
class Claims:
    """Who the provider says somebody is. `subject` stands for issuer and `sub` together, for ever."""

    subject: str
    name: str
    email: str
    email_is_verified: bool


def authorization_url(*, provider: Provider, attempt: Attempt, state: str, redirect_uri: str) -> str:
    """Where the visitor goes to sign in."""
    endpoint = _discover(provider)["authorization_endpoint"]
    query = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": redirect_uri,
        "scope": "openid profile email", "state": state, "nonce": attempt.nonce,
        "code_challenge": attempt.challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"


def redeem(*, provider: Provider, attempt: Attempt, code: str, redirect_uri: str) -> Claims:
    """Exchange the code that the visitor came back with for who they are."""
    known = _discover(provider)
    answer = _exchange(provider, known, attempt, code, redirect_uri)
    claims = _verified(provider, known["jwks_uri"], str(answer.get("id_token", "")), attempt.nonce)
    if "userinfo_endpoint" in known and answer.get("access_token"):
        bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        told = _ask(provider, "GET", known["userinfo_endpoint"], headers=bearer)
        if told.get("sub") != claims["sub"]:
            raise _refused(provider, "userinfo is about somebody else")
        claims = told | claims | _address(claims if "email" in claims else told)
    return Claims(
        subject=hashlib.sha256(f"{provider.issuer}\n{claims['sub']}".encode()).hexdigest(),
        name=str(claims.get("name") or ""),
        email=str(claims.get("email") or ""),
        email_is_verified=claims.get("email_verified") in (True, "true"),
    )


def _address(claims: dict[str, Any]) -> dict[str, Any]:
    """Whether an address is proved is said where the address is: the other answer may mean another one."""
    return {"email": claims.get("email"), "email_verified": claims.get("email_verified")}


def _discover(provider: Provider) -> dict[str, Any]:
    address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    known = _ask(provider, "GET", address)
    if known.get("issuer") != provider.issuer:
        raise _refused(provider, f"discovery names the issuer {known.get('issuer')!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        endpoint = str(known.get(name))
        if urlsplit(endpoint).scheme != "https" and origin(endpoint) != origin(provider.issuer):
            raise _refused(provider, f"{name} is {endpoint!r}")
    return known


def _exchange(
    provider: Provider, known: dict[str, Any], attempt: Attempt, code: str, redirect_uri: str
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
        "code_verifier": attempt.verifier,
    }  # fmt: skip
    # In the body wherever that is possible: not every provider decodes what RFC 6749 has encoded in a header.
    if "client_secret_post" in known.get("token_endpoint_auth_methods_supported", []):
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
        return _ask(provider, "POST", known["token_endpoint"], data=form)
    login = (quote(provider.client_id, safe=""), quote(provider.client_secret, safe=""))
    return _ask(provider, "POST", known["token_endpoint"], data=form, auth=login)


def _verified(provider: Provider, keys_url: str, token: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token, once all that OpenID Connect Core 3.1.3.7 asks of it holds."""
    try:
        key = _key(_ask(provider, "GET", keys_url), jwt.get_unverified_header(token).get("kid"))
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=ALGORITHMS,
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.PyJWTError as exc:
        raise _refused(provider, f"ID token: {exc}") from exc
    if not compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _refused(provider, "ID token: another nonce")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise _refused(provider, "ID token: for another client")
    return claims


def _key(keys: dict[str, Any], kid: str | None) -> jwt.PyJWK:
    listed = [key for key in keys.get("keys", []) if key.get("kty") in ("RSA", "EC", "OKP")]
    fitting = [key for key in listed if kid is None or key.get("kid") == kid]
    if not fitting or (kid is None and len(fitting) > 1):
        raise jwt.InvalidKeyError(f"no key {kid!r}")
    return jwt.PyJWK.from_dict(fitting[0])


def _ask(provider: Provider, method: str, url: str, **options: Any) -> dict[str, Any]:
    """A JSON object from the provider. Its own origin may be private: the operator named it."""
    try:
        with FetchSession(seconds=settings.OIDC_SECONDS, trusted=[provider.issuer]) as session:
            response = session.request(method, url, **options)
    except requests.RequestException as exc:
        raise _away(provider, str(exc)) from exc
    if response.status_code >= 500:
        raise _away(provider, f"{url}: {response.status_code}")
    try:
        body = json.loads(response.content)
    except ValueError as exc:
        raise _refused(provider, f"{url}: {exc}") from exc
    if response.status_code != 200 or not isinstance(body, dict):
        raise _refused(provider, f"{url}: {response.status_code} {str(body)[:200]}")
    return body


def _away(provider: Provider, cause: str) -> ProviderAway:
    said = _("%(name)s does not answer. Try again in some minutes, or sign in another way.")
    return ProviderAway(said % {"name": provider.name}, cause=cause)


def _refused(provider: Provider, cause: str) -> ProviderRefused:
    """To the visitor one sentence; what exactly was wrong goes to the log."""
    said = _("The answer of %(name)s does not belong to this sign-in. Nobody was signed in: begin again.")
    return ProviderRefused(said % {"name": provider.name}, cause=cause)
