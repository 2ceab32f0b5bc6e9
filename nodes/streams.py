"""The one call of agents that waits: `GET work`, a long-poll. It blocks no thread and keeps no connection."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from redis import asyncio as aioredis

from common import clock
from common.errors import DomainError
from common.http import problem
from nodes.access import AGENT, require_spoken
from nodes.domain import protocol
from nodes.errors import BodyInvalid
from nodes.models import Node
from nodes.services import wake
from nodes.services.work import Work, hand_over

logger = logging.getLogger(__name__)

LONGEST_WAIT = 50  # docs/agent-protocol.md, "GET work"; less than proxies wait
# How often to look when Redis cannot tell: a start may be this late, not lost.
LOOK_EVERY = 1.0

T = TypeVar("T")


async def work(request: HttpRequest) -> HttpResponseBase:
    """GET /agent/v1/work?wait=25

    What waits is the body, not the answer: a middleware that is not async (WhiteNoise) would block
    a thread on the answer for all that time. A connection that is cut ends the wait at once.
    """
    if request.method != "GET":
        return problem(405, "method_not_allowed", "Use GET.")
    response = await _answered(request)
    response.headers[protocol.HEADER] = str(protocol.SPOKEN)
    return response


async def _answered(request: HttpRequest) -> HttpResponseBase:
    try:
        require_spoken(request)
        wait = _wait(request)
        admitted = await _in_database(partial(AGENT.admit, request, {}))
    except DomainError as exc:
        return problem(exc.status, exc.code, exc.message, field=exc.field, **exc.details)
    answer = _answer(admitted["agent"].node, wait)
    if not isinstance(request, ASGIRequest):  # WSGI cannot write what comes later
        return HttpResponse([part async for part in answer], content_type="application/json")
    return StreamingHttpResponse(
        answer,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


work.access = {"GET": AGENT}  # type: ignore[attr-defined]  # as common.access.guard says it


async def _answer(node: Node, wait: int) -> AsyncIterator[bytes]:
    found = await _await_work(node, wait)
    told = {"leases": found.leases, "stop": found.stop, "server_time": clock.now().isoformat()}
    yield json.dumps(told).encode()


def _wait(request: HttpRequest) -> int:
    value = request.GET.get("wait", "0")
    if not (value.isascii() and value.isdigit() and len(value) < 5 and int(value) <= LONGEST_WAIT):
        raise BodyInvalid(
            _("“wait” is 0 to %(limit)d whole seconds.") % {"limit": LONGEST_WAIT}, field="wait"
        )
    return int(value)


async def _await_work(node: Node, wait: int) -> Work:
    deadline = asyncio.get_running_loop().time() + wait
    try:
        return await _woken(node, deadline)
    except (redis.RedisError, OSError) as exc:
        logger.warning("nobody can wake the long-poll of %s: %s", node.slug, exc)
        return await _looking(node, deadline)


async def _woken(node: Node, deadline: float) -> Work:
    """Listen first, look then: what happens in between is told, and what happened before is seen."""
    loop = asyncio.get_running_loop()
    # A connection of its own: a shared pool would belong to one event loop, and WSGI makes many.
    async with aioredis.from_url(settings.REDIS_URL) as client, client.pubsub() as ear:
        await ear.subscribe(wake.agent_channel(node.uid))
        found = await _look(node)
        while not found and (left := deadline - loop.time()) > 0:
            if await ear.get_message(ignore_subscribe_messages=True, timeout=left):
                found = await _look(node)
        return found


async def _looking(node: Node, deadline: float) -> Work:
    loop = asyncio.get_running_loop()
    found = await _look(node)
    while not found and (left := deadline - loop.time()) > 0:
        await asyncio.sleep(min(left, LOOK_EVERY))
        found = await _look(node)
    return found


async def _look(node: Node) -> Work:
    return await _in_database(lambda: hand_over(node=node, at=clock.now()))


async def _in_database(question: Callable[[], T]) -> T:
    """Ask in a thread, and give the connection back: a waiting call would keep it from the pages."""

    def asked() -> T:
        try:
            return question()
        finally:
            connections.close_all()

    return await sync_to_async(asked)()
