"""Who is calling: signed tokens of agents, each good for one call (docs/agent-protocol.md)."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from nodes.errors import AgentUnknown, CallRefused, ClockSkew, TokenInvalid, TokenMissing, TokenReplayed
from nodes.models import Agent, AgentCall

logger = logging.getLogger(__name__)

# docs/agent-protocol.md, "Who is calling": how far the clocks may differ, and how long a token lives.
MOST_SKEW = 120.0
LONGEST_LIFE = 120.0
CLAIMS = ("iss", "aud", "iat", "exp", "jti", "htm", "htu", "bdh")


@dataclass(frozen=True)
class Call:
    """What was really asked, to be held against what was signed for."""

    method: str
    path: str  # decoded, with the prefix the site is served under
    query: str
    body_digest: str


def authenticate(*, authorization: str, call: Call, at: datetime) -> Agent:
    """The agent that signed this very call, once; or why not, which is logged without the token."""
    try:
        return _authenticated(authorization, call, at)
    except CallRefused as refused:
        logger.warning(
            "agent call refused: %s %r %s %s", call.method, call.path, refused.code, refused.details
        )
        raise


def _authenticated(authorization: str, call: Call, at: datetime) -> Agent:
    scheme, _space, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing(_("This call needs a signed token."))
    agent = _named_agent(token)
    claims = _verified(token, agent)
    _require_fresh(claims, at, agent)
    if not _is_for(claims, call):
        raise TokenInvalid(_("The token was signed for another call."), agent=agent.uid)
    _use_once(claims, at, agent)
    return agent


def _named_agent(token: str) -> Agent:
    try:
        uid = UUID(str(jwt.get_unverified_header(token).get("kid", "")))
    except (jwt.InvalidTokenError, ValueError) as exc:
        raise TokenInvalid(_("This is not a token that names its agent.")) from exc
    agent = Agent.objects.select_related("node").filter(uid=uid, revoked_at__isnull=True).first()
    if agent is None:
        raise AgentUnknown(_("There is no such agent, or it was shut out. Enrol it again."), agent=uid)
    return agent


def _verified(token: str, agent: Agent) -> dict[str, Any]:
    """The claims, if this agent signed them. Times are looked at by us, with the time we were told."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(agent.public_key))
    options: Any = {"require": list(CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        return jwt.decode(
            token, key, algorithms=["EdDSA"],
            audience=settings.SITE_ORIGIN, issuer=str(agent.uid), options=options,
        )  # fmt: skip
    except jwt.InvalidTokenError as exc:
        raise TokenInvalid(
            _("The token cannot be verified: wrong signature, audience or form."), agent=agent.uid
        ) from exc


def _require_fresh(claims: dict[str, Any], at: datetime, agent: Agent) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if not all(isinstance(moment, int | float) for moment in (issued, expires)):
        raise TokenInvalid(_("The token has no valid times."), agent=agent.uid)
    # A difference that is no number compares false: it must fall on the refusing side.
    if not abs(issued - at.timestamp()) <= MOST_SKEW:
        raise ClockSkew(
            _("The clock of this agent differs from the site's by more than %(limit)d seconds.")
            % {"limit": MOST_SKEW},
            agent=agent.uid,
            server_time=at.astimezone(UTC).isoformat(),
        )
    if not 0 < expires - issued <= LONGEST_LIFE:
        raise TokenInvalid(
            _("A token lives %(limit)d seconds at most.") % {"limit": LONGEST_LIFE}, agent=agent.uid
        )


def _is_for(claims: dict[str, Any], call: Call) -> bool:
    """Paths are compared decoded: clients quote the same path differently."""
    path, _mark, query = str(claims["htu"]).partition("?")
    return (
        claims["htm"] == call.method
        and unquote(path) == call.path
        and query == call.query
        and claims["bdh"] == call.body_digest
    )


def _use_once(claims: dict[str, Any], at: datetime, agent: Agent) -> None:
    try:
        token_id = UUID(str(claims["jti"]))
    except ValueError as exc:
        raise TokenInvalid(_("The token has no valid id."), agent=agent.uid) from exc
    # Kept until the skew alone would refuse it.
    keep_until = at + timedelta(seconds=2 * MOST_SKEW)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO nodes_agentcall (token_id, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [token_id, keep_until],
        )
        if cursor.rowcount != 1:
            raise TokenReplayed(_("This token was used before."), agent=agent.uid)


def forget_old(*, at: datetime) -> int:
    """Delete the ids of tokens that are too old to be replayed."""
    return AgentCall.objects.filter(expires_at__lte=at).delete()[0]
