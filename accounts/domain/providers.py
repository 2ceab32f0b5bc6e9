"""Who else may say who somebody is: an OpenID Connect provider, as the operator configured it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    """`trust_email`: its word that an address is somebody's counts as much as a code that we sent there."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str
    trust_email: bool = False
