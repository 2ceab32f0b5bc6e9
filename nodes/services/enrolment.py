"""How an agent joins a node, changes its key and is shut out. Every key that may act is in the ledger."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from ledger import services as ledger
from nodes.errors import (
    BodyInvalid,
    EnrolmentOvertaken,
    EnrolmentTokenExpired,
    EnrolmentTokenUnknown,
    EnrolmentTokenUsed,
    NoAgent,
)
from nodes.models import Agent, EnrolmentToken, Node, NodeChange
from nodes.services import comparing, leases, standing

TOKEN_LIVES = timedelta(minutes=15)
PREFIX = "eqn_"  # so that scanners for leaked secrets can know it


def issue_token(*, node: Node, by: User | None, at: datetime) -> str:
    """A one-time token for this node. It is told once and kept as a digest."""
    token = PREFIX + secrets.token_urlsafe(32)
    EnrolmentToken.objects.create(
        node=node, digest=_digest(token), created_by=by, created_at=at, expires_at=at + TOKEN_LIVES
    )
    return token


@transaction.atomic
def enrol(*, token: str, public_key: str, version: str, inventory: object, at: datetime) -> Agent:
    """Let the holder of this token in as the node's agent; the agent before it is shut out."""
    row = (
        EnrolmentToken.objects.select_for_update(of=("self",))
        .select_related("node")
        .filter(digest=_digest(token))
        .first()
    )
    if row is None:
        raise EnrolmentTokenUnknown(_("This enrolment token is not known. Make a new one."))
    if row.used_at is not None:
        raise EnrolmentTokenUsed(_("This enrolment token was used before. Make a new one."))
    if at >= row.expires_at:
        raise EnrolmentTokenExpired(_("This enrolment token is older than 15 minutes. Make a new one."))
    public_key = _checked_key(public_key)
    for former in Agent.objects.select_for_update().filter(node=row.node, revoked_at__isnull=True):
        revoke(agent=former, reason="replaced by a new enrolment", at=at)
    row.used_at = at
    row.save(update_fields=["used_at"])
    try:
        with transaction.atomic():
            agent = Agent.objects.create(
                node=row.node, public_key=public_key, version=version[:20], enrolled_at=at
            )
    except IntegrityError as exc:
        if "one_agent_per_node" in str(exc):
            raise EnrolmentOvertaken(
                _(
                    "Another agent joined %(node)s in the same moment."
                    " If yours is to take its place, enrol again: this token is still good."
                )
                % {"node": row.node.name},
                node=row.node.slug,
            ) from exc
        raise _key_in_use() from exc
    _enter(row.node, "added", public_key, "", at)
    comparing.take_inventory(agent=agent, inventory=inventory, at=at)
    return agent


@transaction.atomic
def revoke(*, agent: Agent, reason: str, at: datetime) -> None:
    """Shut this agent out at once and for good. What it runs keeps running until its slots end.

    What it has not begun it drops, and is given to the next agent of the node.
    """
    if Agent.objects.filter(pk=agent.pk, revoked_at__isnull=True).update(revoked_at=at):
        leases.give_up_unbegun(node_id=agent.node_id, at=at)
        _enter(agent.node, "revoked", agent.public_key, reason, at)


@transaction.atomic
def revoke_for_owner(*, node: Node, reason: str, by: User, at: datetime) -> None:
    """Shut out the node's agent because its owner says so: a key that others may know, a machine sold."""
    agent = Agent.objects.select_for_update().filter(node=node, revoked_at=None).select_related(None).first()
    if agent is None:
        raise NoAgent(_("No agent is enrolled on %(node)s.") % {"node": node.name}, node=node.slug)
    revoke(agent=agent, reason=reason, at=at)
    standing.write_down(node=node, kind=NodeChange.Kind.AGENT_REVOKED, by=by, at=at, reason=reason)


@transaction.atomic
def rotate_key(*, agent: Agent, public_key: str, at: datetime) -> None:
    """Replace the agent's key by a new one, at its own signed request."""
    agent = Agent.objects.select_for_update(of=("self",)).select_related("node").get(pk=agent.pk)
    public_key = _checked_key(public_key)
    if public_key == agent.public_key:
        return
    former, agent.public_key = agent.public_key, public_key
    try:
        with transaction.atomic():
            agent.save(update_fields=["public_key"])
    except IntegrityError as exc:
        raise _key_in_use() from exc
    _enter(agent.node, "revoked", former, "replaced by its agent", at)
    _enter(agent.node, "added", public_key, "", at)


def _enter(node: Node, action: str, public_key: str, reason: str, at: datetime) -> None:
    body = {"purpose": "agent", "action": action, "public_key": public_key, "node": node.uid}
    ledger.append(kind="key", body=body | ({"reason": reason} if reason else {}), at=at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _checked_key(encoded: str) -> str:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise BodyInvalid(_("A public key is 32 bytes, base64-encoded."), field="public_key")
    return base64.b64encode(raw).decode()


def _key_in_use() -> BodyInvalid:
    return BodyInvalid(_("This public key belongs to an agent already. Make a new one."), field="public_key")
