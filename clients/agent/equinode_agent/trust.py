"""Following the site's key when it is replaced: link by link, each signed by the key before it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from equinode_agent import clock, identity, keys
from equinode_agent.errors import LeaseUnsigned, Refused, SiteAway, StateError
from equinode_agent.identity import Identity
from equinode_agent.lease import Lease, SignedLease
from equinode_agent.protocol import SiteClient

PURPOSE = "dispatch"
# A stranger's signatures must not have the site asked for its key with each of them.
LOOK_EVERY = 60.0

log = logging.getLogger(__name__)


def leads(pinned: str, chain: Sequence[object], *, to: str) -> bool:
    """Whether the pinned key signed for this one, or for one that did, and so on.

    Only a way that ends at the key in use counts: a site that crashed while it replaced its key may
    leave a link to one that nobody has.
    """
    reached = {pinned}
    for link in chain:
        statement = _statement(link)
        if statement is None or statement.get("former") not in reached:
            continue  # from before this agent joined, or of another chain
        assert isinstance(link, dict)
        if keys.is_signed_by(str(statement["former"]), link["payload"], link["signature"]):
            reached.add(str(statement["key"]))
    return to in reached


def _statement(link: object) -> dict[str, Any] | None:
    """What a link says, if it is one; nothing in it is trusted yet."""
    if not isinstance(link, dict):
        return None
    payload, signature = link.get("payload"), link.get("signature")
    if not isinstance(payload, str) or not isinstance(signature, str):
        return None
    try:
        statement = json.loads(payload)
        if not isinstance(statement, dict) or statement.get("purpose") != PURPOSE:
            return None
        keys.decode_public(str(statement["key"]))
    except (KeyError, ValueError, RecursionError, StateError):
        return None
    return statement


class PinnedKey:
    """Judges leases by the site's pinned key, and follows it where it leads to another."""

    def __init__(self, state: Path, known: Identity, client: SiteClient) -> None:
        self._state, self._identity, self._client = state, known, client
        self._looked_at: float | None = None

    @property
    def public(self) -> str:
        return self._identity.site_key

    def verified(self, signed: SignedLease, *, accepted_under: str = "") -> Lease:
        """LeaseForged unless the site signed it for this node: under its key of now, or of when it came."""
        node = self._identity.node
        try:
            return signed.verified(site_key=accepted_under or self.public, node=node)
        except LeaseUnsigned:
            if accepted_under or not self._follow():
                raise
        return signed.verified(site_key=self.public, node=node)

    def _follow(self) -> bool:
        """Ask which key the site has now; True if the pinned one led to another, which is pinned then."""
        if self._looked_at is not None and clock.now() - self._looked_at < LOOK_EVERY:
            return False
        try:
            told = self._client.get("site-key")
        except (SiteAway, Refused) as exc:
            log.warning("The site did not tell its key: %s", exc)
            return False
        self._looked_at = clock.now()
        newest, chain = str(told.get("site_key")), told.get("chain")
        if newest == self.public:
            return False
        if not leads(self.public, chain if isinstance(chain, list) else [], to=newest):
            log.error(
                "The site offers another key, which the pinned one did not sign for. Nothing under it is "
                "executed. If whoever runs the site says that the key was lost, compare the fingerprint on "
                "the node's page and enrol again: equinode-agent enrol --again."
            )
            return False
        self._identity = replace(self._identity, site_key=newest)
        identity.save(self._state, self._identity)
        log.warning(
            "The site has a new key, signed for by the one before: %s is pinned now.",
            keys.fingerprint(newest),
        )
        return True
