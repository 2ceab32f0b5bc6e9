"""Reads from the environment who else may say who somebody is."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from accounts.domain.providers import Provider


def read_providers(one: dict[str, Any], several: str) -> dict[str, Provider]:
    """By id: the one of OIDC_* where it has an issuer, then those of OIDC_PROVIDERS, a JSON array."""
    try:
        listed = json.loads(several or "[]")
        providers = [Provider(**each) for each in ([one] if one["issuer"] else []) + listed]
    except (ValueError, TypeError) as exc:
        raise ImproperlyConfigured(f"OIDC_PROVIDERS: {exc}") from exc
    for provider in providers:
        _check(provider)
    if len({provider.id for provider in providers}) < len(providers):
        raise ImproperlyConfigured("OIDC_PROVIDERS: two providers have the same id")
    return {provider.id: provider for provider in providers}


def _check(provider: Provider) -> None:
    said = f"the OIDC provider {provider.id!r}"
    if not re.fullmatch(r"[a-z0-9-]{1,40}", provider.id):
        raise ImproperlyConfigured(f"{said}: its id is made of a-z, 0-9 and -")
    address = urlsplit(provider.issuer)
    if address.scheme != "https" and address.hostname not in ("localhost", "127.0.0.1"):
        raise ImproperlyConfigured(f"{said}: its issuer begins with https://")
    if not (provider.name and provider.client_id and provider.client_secret):
        raise ImproperlyConfigured(f"{said} needs a name, a client id and a client secret")
