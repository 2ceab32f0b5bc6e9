"""The agent's Ed25519 key, signed requests, and the site's signature. No network here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import time
import uuid
from pathlib import Path

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from equinode_agent.errors import StateError

# docs/agent-protocol.md: `exp` at most 120 s after `iat`.
TOKEN_SECONDS = 60
EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


def make_key(path: Path) -> Ed25519PrivateKey:
    """Make a key that only the agent's own user can read, and put it on disk before it is used."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return key


def load_key(path: Path) -> Ed25519PrivateKey:
    try:
        mode = path.stat().st_mode
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as exc:
        raise StateError(f"The key {path} cannot be read: {exc}.") from exc
    if mode & 0o077:
        raise StateError(f"The key {path} can be read by others. Run chmod 600 on it, or enrol again.")
    if not isinstance(key, Ed25519PrivateKey):
        raise StateError(f"{path} is not an Ed25519 key.")
    return key


def public_base64(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def fingerprint(public: str) -> str:
    """SHA-256 of the 32 bytes, hex: what the node's page shows for comparison."""
    return hashlib.sha256(decode_public(public)).hexdigest()


def decode_public(public: str) -> bytes:
    try:
        raw = base64.b64decode(public, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise StateError("The site's key is not base64.") from exc
    if len(raw) != 32:
        raise StateError("The site's key is not 32 bytes long.")
    return raw


def is_signed_by(public: str, payload: str, signature: str) -> bool:
    """Whether `signature` (base64) is the pinned key's over the payload's UTF-8 bytes."""
    try:
        raw = base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(decode_public(public)).verify(raw, payload.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def bearer(
    key: Ed25519PrivateKey,
    *,
    agent: str,
    audience: str,
    method: str,
    target: str,
    body_digest: str,
    clock_offset: float = 0.0,
) -> str:
    """One token for one request: it names method, target and body, and its id is never used twice."""
    issued = int(time.time() + clock_offset)
    claims = {
        "iss": agent,
        "aud": audience,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": str(uuid.uuid4()),
        "htm": method,
        "htu": target,
        "bdh": body_digest,
    }
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": agent})
