"""The short calls of agents, as docs/agent-protocol.md tells them. The long one is in streams.py."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from typing import Any, NoReturn
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers

from common import clock
from common.access import Rule
from common.errors import DomainError
from common.http import problem
from nodes.access import AGENT, AGENT_OF_FILE, ENROLMENT_TOKEN, body_of, require_spoken
from nodes.domain import protocol
from nodes.domain.lease import HEARTBEAT_EVERY
from nodes.domain.output import neutralise
from nodes.errors import BodyInvalid, CallRefused
from nodes.models import Agent
from nodes.services import comparing, enrolment, leases, outputs, samples, site_keys, work

logger = logging.getLogger(__name__)

MOST_TEXT = 64 * 1024  # docs/agent-protocol.md, "log": in one call
LONGEST_NOTE = 500
LONGEST_AGO = 30 * 24 * 3600.0  # longer than any slot
SHA256 = re.compile(r"[0-9a-f]{64}")

Body = dict[str, Any]


# --- what bodies look like -----------------------------------------------------------------
class Text(serializers.Field[str, str, str, Any]):
    """Any JSON string, made harmless. What a job printed is never a reason to refuse the call."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Not a string.")
        return neutralise(data)


class Enrol(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100)
    public_key = serializers.CharField(max_length=64)
    version = serializers.CharField(max_length=20)
    inventory = serializers.DictField()


class Rotate(serializers.Serializer[Any]):
    public_key = serializers.CharField(max_length=64)


class Inventory(serializers.Serializer[Any]):
    inventory = serializers.DictField()


class HeldLease(serializers.Serializer[Any]):
    lease = serializers.UUIDField()
    fence = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class Heartbeat(serializers.Serializer[Any]):
    leases = HeldLease(many=True, max_length=1000)  # type: ignore[call-arg]
    version = serializers.CharField(max_length=20, default="")
    load = serializers.DictField(default=dict)


class Report(serializers.Serializer[Any]):
    fence = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    ago = serializers.FloatField(min_value=0, max_value=LONGEST_AGO, default=0.0)


class Fenced(serializers.Serializer[Any]):
    fence = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class Started(Report):
    start_delay_ms = serializers.IntegerField(
        min_value=-(2**31), max_value=2**31 - 1, allow_null=True, default=None
    )


class Value(serializers.Field[Any, Any, Any, Any]):
    """A number or a short text, made harmless."""

    def to_internal_value(self, data: object) -> str | int | float:
        if isinstance(data, str):
            return neutralise(data)[:LONGEST_NOTE]
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Not a text or a number.")
        return data


class Note(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40, allow_blank=True)
    text = Text(default="")
    values = serializers.DictField(child=Value(), default=dict)


class Ended(Report):
    reason = serializers.ChoiceField(
        ["finished", "slot_end", "stopped", "memory", "disk", "time", "refused", "lost"]
    )
    exit_code = serializers.IntegerField(
        min_value=-(2**31), max_value=2**31 - 1, allow_null=True, default=None
    )
    note = Text(default="")
    notes = Note(many=True, max_length=20, default=list)  # type: ignore[call-arg]
    peak_memory_bytes = serializers.IntegerField(
        min_value=0, max_value=2**63 - 1, allow_null=True, default=None
    )
    cpu_seconds = serializers.FloatField(min_value=0, max_value=9_999_999_999, allow_null=True, default=None)
    log_truncated = serializers.BooleanField(default=False)


class Chunk(serializers.Serializer[Any]):
    seq = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    ago = serializers.FloatField(min_value=0, max_value=LONGEST_AGO, default=0.0)
    text = Text()


class Log(Report):
    chunks = Chunk(many=True, max_length=1000)  # type: ignore[call-arg]


# --- how a call is taken ---------------------------------------------------------------------
def _answered(
    method: str, rule: Rule, view: Callable[..., HttpResponseBase]
) -> Callable[..., HttpResponseBase]:
    """One method, no cookies, and every refusal as problem details and a line in the log."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        if request.method != method:
            return problem(405, "method_not_allowed", f"Use {method}.")
        try:
            require_spoken(request)
            answer: HttpResponseBase = view(request, **rule.admit(request, parts))
        except DomainError as exc:
            if not isinstance(exc, CallRefused):  # that one was logged where it was found out
                logger.warning("agent call refused: %s %r %s", method, request.path, exc.code)
            answer = problem(exc.status, exc.code, exc.message, field=exc.field, **exc.details)
        answer.headers[protocol.HEADER] = str(protocol.SPOKEN)
        return answer

    answered.access = {method: rule}  # type: ignore[attr-defined]  # as common.access.guard says it
    return answered


def _signed(
    shape: type[serializers.Serializer[Any]],
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponseBase]]:
    """A POST of JSON by an agent; the view gets the agent, the body and the moment of the call."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
        def signed(request: HttpRequest, **parts: Any) -> HttpResponse:
            return view(body=_body(body_of(request), shape), at=clock.now(), **parts)

        return _answered("POST", AGENT, wraps(view)(signed))

    return decorate


def _body(raw: bytes, shape: type[serializers.Serializer[Any]]) -> Body:
    try:
        told = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise BodyInvalid(_("The body is not JSON.")) from exc
    body = shape(data=told)
    if not body.is_valid():
        raise BodyInvalid(_("The body does not follow docs/agent-protocol.md."), errors=body.errors)
    return dict(body.validated_data)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


# --- the calls ----------------------------------------------------------------------------------
def _enrol(request: HttpRequest) -> HttpResponse:
    agent = enrolment.enrol(at=clock.now(), **_body(body_of(request), Enrol))
    answer = {
        "agent": str(agent.uid),
        "node": str(agent.node.uid),
        "node_name": agent.node.name,
        "origin": settings.SITE_ORIGIN,
        "site_key": site_keys.public(),
        "heartbeat_every": HEARTBEAT_EVERY.total_seconds(),
    }
    return JsonResponse(answer, status=201)


enrol = _answered("POST", ENROLMENT_TOKEN, _enrol)


@_signed(Rotate)
def rotate_key(*, agent: Agent, body: Body, at: datetime) -> HttpResponse:
    enrolment.rotate_key(agent=agent, public_key=body["public_key"], at=at)
    return JsonResponse({})


@_signed(Heartbeat)
def heartbeat(*, agent: Agent, body: Body, at: datetime) -> HttpResponse:
    held = [(item["lease"], item["fence"]) for item in body["leases"]]
    news = leases.heartbeat(agent=agent, leases=held, version=body["version"], at=at)
    samples.record(agent=agent, load=body["load"], at=at)
    told = [asdict(one) | {"lease": str(one.lease)} for one in news]
    return JsonResponse({"leases": told, "server_time": at.isoformat()})


@_signed(Inventory)
def inventory(*, agent: Agent, body: Body, at: datetime) -> HttpResponse:
    comparing.take_inventory(agent=agent, inventory=body["inventory"], at=at)
    return JsonResponse({})


@_signed(Fenced)
def again(*, agent: Agent, lease: UUID, body: Body, at: datetime) -> HttpResponse:
    told = work.hand_over_again(node=agent.node, lease_uid=lease, fence=body["fence"], at=at)
    return JsonResponse(told)


@_signed(Report)
def staged(*, agent: Agent, lease: UUID, body: Body, at: datetime) -> HttpResponse:
    leases.stage(node_id=agent.node_id, lease_uid=lease, fence=body["fence"], at=at)
    return JsonResponse({})


@_signed(Started)
def started(*, agent: Agent, lease: UUID, body: Body, at: datetime) -> HttpResponse:
    leases.start(node_id=agent.node_id, lease_uid=lease, at=at, **body)
    return JsonResponse({})


@_signed(Ended)
def ended(*, agent: Agent, lease: UUID, body: Body, at: datetime) -> HttpResponse:
    fence, ago = body.pop("fence"), body.pop("ago")
    leases.end(
        node_id=agent.node_id, lease_uid=lease, fence=fence, ending=leases.Ending(**body), ago=ago, at=at
    )
    return JsonResponse({})


@_signed(Log)
def log(*, agent: Agent, lease: UUID, body: Body, at: datetime) -> HttpResponse:
    chunks = [outputs.Printed(**chunk) for chunk in body["chunks"]]
    if sum(len(chunk.text.encode()) for chunk in chunks) > MOST_TEXT:
        raise BodyInvalid(_("One call takes %(limit)d bytes of text.") % {"limit": MOST_TEXT}, field="chunks")
    awaited = outputs.append_log(
        node_id=agent.node_id, lease_uid=lease, fence=body["fence"], chunks=chunks, at=at
    )
    return JsonResponse({"next_seq": awaited})


def _file(request: HttpRequest, agent: Agent, lease: UUID, name: str) -> HttpResponse:
    at, digest = clock.now(), request.headers.get("X-Content-SHA256", "")
    try:
        outputs.store_file(
            node_id=agent.node_id, lease_uid=lease, fence=_number(request, "X-Fence"), name=name,
            size=_number(request, "Content-Length"), sha256=_digest(digest), body=request, at=at,
        )  # fmt: skip
    except UnreadablePostError as exc:
        raise BodyInvalid(_("The body broke off.")) from exc
    finally:
        _drain(request)
    return JsonResponse({})


file = _answered("PUT", AGENT_OF_FILE, _file)


def _resumed_file(request: HttpRequest, agent: Agent, lease: UUID, name: str) -> FileResponse:
    fence = request.GET.get("fence", "")
    if not _is_number(fence):
        raise BodyInvalid(_("“fence” must be a whole number."), field="fence")
    found = outputs.resumed_file(node_id=agent.node_id, lease_uid=lease, fence=int(fence), name=name)
    return FileResponse(
        found.content.open("rb"), content_type="application/octet-stream",
        headers={"Content-Length": str(found.size), "Cache-Control": "no-store"},
    )  # fmt: skip


resumed_file = _answered("GET", AGENT, _resumed_file)


def _site_key(request: HttpRequest, agent: Agent) -> HttpResponse:
    return JsonResponse({"site_key": site_keys.public(), "chain": site_keys.chain()})


site_key = _answered("GET", AGENT, _site_key)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 19


def _number(request: HttpRequest, header: str) -> int:
    value = request.headers.get(header, "")
    if not _is_number(value):
        raise BodyInvalid(_("The header %(name)s must be a whole number.") % {"name": header}, field=header)
    return int(value)


def _digest(value: str) -> str:
    if not SHA256.fullmatch(value):
        raise BodyInvalid(_("X-Content-SHA256 must be 64 hexadecimal digits."), field="X-Content-SHA256")
    return value


def _drain(request: HttpRequest) -> None:
    """Read what is left of a refused file: a sender still writing would not see the answer."""
    left = outputs.LARGEST_FILE
    try:
        while left > 0 and (piece := request.read(outputs.PIECE)):
            left -= len(piece)
    except UnreadablePostError:
        return
