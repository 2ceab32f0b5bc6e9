"""The key that signs what agents are to execute, and how agents follow it when it is replaced.

Agents pin the key that they were enrolled with. Each replacement is signed by the key before it, and the
chain of these statements stands beside the key: an agent follows it link by link, and nothing else.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from common.keys import load_private_key, replace_private_key, write_whole
from ledger import services as ledger

PURPOSE = "dispatch"


def public() -> str:
    """The public half, which agents pin when they enrol."""
    return _public(_key())


def signed(payload: dict[str, Any]) -> dict[str, str]:
    """What an agent executes only under this key’s signature."""
    return _signed(payload, _key())


def chain() -> list[dict[str, str]]:
    """Every replacement so far, the oldest first, each signed by the key that it replaced."""
    try:
        found: list[dict[str, str]] = json.loads(_chain_file().read_text())
    except FileNotFoundError:
        return []
    return found


@transaction.atomic
def replace(*, at: datetime) -> str:
    """Make a new key and let the present one sign for it; answers the new one’s public half.

    A crash between the two files leaves a chain that leads further than the key in use: agents follow it
    only to a key that the site says it has, and the next replacement takes the loose end off.
    """
    folder = os.open(_file().parent, os.O_RDONLY)
    try:
        # Of two that replace it at once the second must sign with the first one’s key.
        fcntl.flock(folder, fcntl.LOCK_EX)
        former, new = _key(), Ed25519PrivateKey.generate()
        statement = {
            "purpose": PURPOSE,
            "former": _public(former),
            "key": _public(new),
            "since": at.isoformat(),
        }
        for action, key in (("added", new), ("revoked", former)):
            body = {"purpose": PURPOSE, "action": action, "public_key": _public(key)}
            ledger.append(kind="key", body=body, at=at)
        links = [*_leading_to(_public(former)), _signed(statement, former)]
        content = json.dumps(links, indent=1) + "\n"
        write_whole(_chain_file(), content.encode())
        replace_private_key(_file(), new)
    finally:
        os.close(folder)
    return _public(new)


def _leading_to(key: str) -> list[dict[str, str]]:
    """The links up to the one that led to this key; none where agents were enrolled with it at first."""
    links = chain()
    while links and json.loads(links[-1]["payload"])["key"] != key:
        links.pop()
    return links


def _signed(payload: dict[str, Any], key: Ed25519PrivateKey) -> dict[str, str]:
    text = rfc8785.dumps(payload)
    return {"payload": text.decode(), "signature": base64.b64encode(key.sign(text)).decode()}


def _public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _key() -> Ed25519PrivateKey:
    return load_private_key(_file())


def _file() -> Path:
    return Path(settings.DISPATCH_KEY_FILE)


def _chain_file() -> Path:
    return _file().with_suffix(".chain.json")
