"""A run's log and states as server-sent events, for the ASGI server. Pages read them from the database."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis.asyncio as aioredis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from redis.exceptions import RedisError

from accounts.access import person
from accounts.models import User
from common.access import guard
from nodes.selectors import lease_of, log_since
from nodes.services.wake import lease_channel
from reservations.access import RUN_MEMBER
from reservations.models import Run

_LOOK_EVERY = 15  # seconds; proxies close what is silent for much longer
_NUMBER = re.compile(r"[0-9]{1,18}")  # what a bigint holds
_RETRY = 2000  # milliseconds until a browser asks again
_OVER = {Run.State.ENDED, Run.State.LOST, Run.State.NOT_RUN}


@dataclass(frozen=True)
class _Watched:
    """A run and who watches it: for as long as they are a member, which is looked at again and again."""

    uid: UUID
    reference: str
    user: User


@dataclass(frozen=True)
class _Present:
    """What the database knows of a run: its state and the log after some piece."""

    state: str
    log: list[tuple[int, str]]


@guard(RUN_MEMBER)
async def run_events(request: HttpRequest, run: Run) -> HttpResponseBase:
    """Everything of a run from now on, after the piece of log that the browser has already."""
    watched = _Watched(run.uid, run.reference, person(request))
    response = StreamingHttpResponse(_stream(watched, _last_seen(request)), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _last_seen(request: HttpRequest) -> int:
    """A browser that comes back says which event it had last; the page says so the first time."""
    said = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    return int(said) if _NUMBER.fullmatch(said) else 0


async def _stream(watched: _Watched, seq: int) -> AsyncIterator[str]:
    yield f"retry: {_RETRY}\n\n"
    client = aioredis.Redis.from_url(settings.REDIS_URL)
    try:
        async with client, client.pubsub() as channel:
            # Listen first, read second: what is published in between is seen twice rather than never.
            await channel.subscribe(lease_channel(watched.reference))
            async for event in _follow(channel, watched, seq):
                yield event
    except RedisError:
        # Without the broker the browser asks again, and is answered from the database.
        yield ": no broker\n\n"


async def _follow(channel: Any, watched: _Watched, seq: int) -> AsyncIterator[str]:
    state = ""
    while state not in _OVER:
        present = await sync_to_async(_read)(watched, seq)
        if present is None:
            return
        for number, text in present.log:
            seq = number
            yield _log(number, text)
        # Proxies close what is silent: a comment when there is nothing new.
        yield _event("state", {"state": present.state}) if present.state != state else ": still so\n\n"
        state = present.state
        if state not in _OVER:
            async for number, event in _published(channel, seq):
                seq = number
                yield event
    yield _event("end", {})


async def _published(channel: Any, seq: int) -> AsyncIterator[tuple[int, str]]:
    """What follows piece by piece, until only the database can tell: a new state, a gap, silence, or time."""
    clock = asyncio.get_running_loop().time
    look_at = clock() + _LOOK_EVERY  # even while a job prints without a pause
    async for message in _messages(channel):
        if message["type"] == "log" and message["seq"] == seq + 1:
            seq += 1
            yield seq, _log(seq, message["text"])
        elif message["type"] == "file":
            yield seq, _event("file", {"name": message["name"], "size": message["size"]})
        elif message["type"] != "log" or message["seq"] > seq:
            return
        if clock() >= look_at:
            return


async def _messages(channel: Any) -> AsyncIterator[dict[str, Any]]:
    """What is published, until nothing is for a while: then it is time to look for what got lost."""
    while message := await channel.get_message(ignore_subscribe_messages=True, timeout=_LOOK_EVERY):
        yield json.loads(message["data"])


def _read(watched: _Watched, seq: int) -> _Present | None:
    """None for who is no member any more."""
    try:
        run = Run.objects.of(watched.user).filter(uid=watched.uid).first()
        if run is None:
            return None
        lease = lease_of(watched.reference)
        log = [(chunk.seq, chunk.text) for chunk in log_since(lease, seq)] if lease else []
        return _Present(run.live_state(lease.state if lease else ""), log)
    finally:
        connections.close_all()


def _log(number: int, text: str) -> str:
    return f"id: {number}\n{_event('log', {'seq': number, 'text': text})}"


def _event(name: str, content: dict[str, Any]) -> str:
    """One event; JSON has no line breaks, so a job's output cannot forge another."""
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"
