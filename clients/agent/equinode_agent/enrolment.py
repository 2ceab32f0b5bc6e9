"""Joining a site and changing keys: what is kept, and when. A crash in between leaves one key that works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from equinode_agent import disk, identity, inventory, keys, protocol
from equinode_agent.errors import AgentError, Refused, SiteAway, StateError
from equinode_agent.identity import KEY_FILE, Identity

# A key that the site may or may not have taken yet.
NEXT_KEY_FILE = "agent.key.new"
# What the site's codes mean to the person at the keyboard.
HELP = {
    "enrolment_token_unknown": "The site does not know this token. Copy it again from the node's page.",
    "enrolment_token_used": "This token was used already. Make a new one on the node's page.",
    "enrolment_token_expired": "This token is older than 15 minutes. Make a new one on the node's page.",
}


def enrol(state: Path, *, site: str, token: str, fingerprint: str | None) -> Identity:
    """Make a key, trade the token for an identity, pin the site's key. Refused: nothing is changed here."""
    beside = state / NEXT_KEY_FILE
    key = keys.make_key(beside)
    try:
        answer = protocol.enrol(
            site, token=token, public_key=keys.public_base64(key), inventory=inventory.collect()
        )
        enrolled = _identity(site, answer)
        _require_fingerprint(enrolled.site_key, fingerprint)
    except Refused as exc:
        beside.unlink()
        raise StateError(HELP.get(exc.code, f"The site refused: {exc}")) from exc
    except AgentError:
        beside.unlink()
        raise
    _use_next_key(state)
    identity.save(state, enrolled)
    return enrolled


def _identity(site: str, answer: dict[str, Any]) -> Identity:
    try:
        enrolled = Identity(
            site=site.rstrip("/"),
            origin=str(answer["origin"]),
            agent=str(answer["agent"]),
            node=str(answer["node"]),
            node_name=str(answer["node_name"]),
            site_key=str(answer["site_key"]),
            heartbeat_every=float(answer["heartbeat_every"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise StateError(f"The site's answer is not one of this protocol: {exc!r}.") from exc
    keys.decode_public(enrolled.site_key)
    return enrolled


def _require_fingerprint(site_key: str, wanted: str | None) -> None:
    if wanted is None:
        return
    plain = wanted.lower().removeprefix("sha256:").replace(":", "")
    if plain != keys.fingerprint(site_key):
        raise StateError(
            f"The site's key is {keys.fingerprint(site_key)}, not {plain}. Nothing was kept: "
            "somebody may be between you and the site. The token is used up; make a new one."
        )


def rotate_key(state: Path) -> None:
    """Replace the agent's key. The site takes the new one because the present one signs for it."""
    settle_keys(state)
    client = identity.client(state)
    key = keys.make_key(state / NEXT_KEY_FILE)
    try:
        client.post("key", {"public_key": keys.public_base64(key)})
    except Refused as exc:
        (state / NEXT_KEY_FILE).unlink()
        raise StateError(f"The site refused the new key: {exc}") from exc
    except SiteAway as exc:
        raise StateError(f"{exc} The next command or start finds out which key the site has.") from exc
    finally:
        client.close()
    _use_next_key(state)


def settle_keys(state: Path) -> None:
    """After a rotation whose answer was lost: ask the site with the new key which one it has."""
    beside = state / NEXT_KEY_FILE
    if not beside.exists():
        return
    client = identity.client(state, keys.load_key(beside))
    try:
        client.post("heartbeat", {"leases": [], "load": {}})
    except Refused:
        beside.unlink()
        return
    finally:
        client.close()
    _use_next_key(state)


def _use_next_key(state: Path) -> None:
    (state / NEXT_KEY_FILE).replace(state / KEY_FILE)
    disk.sync_folder(state)
