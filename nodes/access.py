"""The rules about nodes: an agent is known by its signature, a new one by its node's enrolment token."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _, gettext_noop

from common import clock
from common.access import Rule, Verdict, Who
from nodes.domain import protocol
from nodes.errors import BodyInvalid, ProtocolUnsupported
from nodes.models import Agent
from nodes.services import agent_calls


def require_spoken(request: HttpRequest) -> None:
    """Looked at before who calls: how a call is signed may be what another version changes."""
    told = request.headers.get(protocol.HEADER)
    version = protocol.read(told)
    if version is None or not protocol.SPOKEN.speaks_with(version):
        raise ProtocolUnsupported(
            _(
                "This site speaks version %(ours)s of the agent protocol and this agent %(theirs)s."
                " Install an agent that speaks one of %(taken)s."
            )
            % {
                "ours": protocol.SPOKEN,
                "theirs": (told or "")[:20],
                "taken": ", ".join(protocol.taken()),
            },
            speaks=str(protocol.SPOKEN),
            takes=protocol.taken(),
        )


def body_of(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig as exc:
        raise BodyInvalid(
            _("The body is larger than %(limit)d bytes.") % {"limit": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        ) from exc
    except UnreadablePostError as exc:
        raise BodyInvalid(_("The body broke off.")) from exc


def _caller(request: HttpRequest, body_digest: str) -> Agent:
    call = agent_calls.Call(
        request.method or "", request.path, request.META.get("QUERY_STRING", ""), body_digest
    )
    agent = agent_calls.authenticate(
        authorization=request.headers.get("Authorization", ""), call=call, at=clock.now()
    )
    # Of this call; its heartbeats have it kept.
    agent.protocol = str(protocol.read(request.headers.get(protocol.HEADER)) or protocol.UNTOLD)
    return agent


def _agent(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "agent": _caller(request, hashlib.sha256(body_of(request)).hexdigest())}


def _agent_of_file(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The signature is over the digest that the header names; the service holds the file against it."""
    return {**kwargs, "agent": _caller(request, request.headers.get("X-Content-SHA256", ""))}


def _token_in_body(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The service looks at the token, under the lock that lets it be used once."""
    return kwargs


# An agent is nobody of the table: everybody in it is asked for a signature.
AGENT = Rule(
    "agent", gettext_noop("The node’s agent, by its signature"), dict.fromkeys(Who, Verdict.SIGN_IN), _agent
)
AGENT_OF_FILE = Rule(AGENT.name, AGENT.said, AGENT.verdicts, _agent_of_file)
ENROLMENT_TOKEN = Rule(
    "enrolment token",
    gettext_noop("Who has the node’s enrolment token"),
    dict.fromkeys(Who, Verdict.FORBIDDEN),
    _token_in_body,
)
