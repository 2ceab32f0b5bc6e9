from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient

from common import clock
from nodes import streams
from nodes.models import Lease, Node
from nodes.services import leases, site_keys
from nodes.services.work import Work
from tests.nodes.cast import SPECIFICATION, SigningAgent, code, make_lease

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("dispatch_key")]


def poll(agent: SigningAgent, wait: int = 0, **changes: Any) -> Any:
    """As ASGI serves it: in an event loop, the database in other threads."""
    target = f"/agent/v1/work?wait={wait}"
    return asyncio.run(answered(target, agent.headers("GET", target, **changes)))


async def answered(target: str, headers: dict[str, str]) -> HttpResponse:
    """The whole answer, its streamed body read to the end."""
    answer = await AsyncClient().get(target, headers=headers)
    if isinstance(answer, StreamingHttpResponse):
        body = b"".join([part async for part in answer])  # type: ignore[union-attr]
        answer = HttpResponse(body, status=answer.status_code, headers=dict(answer.headers))
    return answer  # type: ignore[return-value]


def read(answer: HttpResponse) -> Any:
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def poll_while(agent: SigningAgent, change: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The answer of a poll during which something changes, once the poll has looked in vain."""
    has_looked, look = threading.Event(), streams._look

    async def looking(node: Node) -> Work:
        found = await look(node)
        has_looked.set()
        return found

    def later() -> None:
        try:
            assert has_looked.wait(60)
            change()
        finally:
            connection.close()

    monkeypatch.setattr(streams, "_look", looking)
    thread = threading.Thread(target=later)
    thread.start()
    answer = poll(agent, streams.LONGEST_WAIT)
    thread.join()
    return read(answer)


def test_a_waiting_lease_is_handed_over_signed(dispatch_key: Path) -> None:
    agent = SigningAgent()
    lease = make_lease(agent.row.node, start=clock.now())
    (signed,) = read(poll(agent))["leases"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(site_keys.public()))
    key.verify(base64.b64decode(signed["signature"]), signed["payload"].encode())
    payload = json.loads(signed["payload"])
    assert rfc8785.dumps(payload) == signed["payload"].encode()
    assert payload["lease"] == str(lease.uid)
    assert payload["node"] == str(agent.row.node.uid)
    assert payload["fence"] == lease.fence
    assert payload["devices"] == [{"index": index, "kind": "gpu", "model": "H100 SXM5"} for index in (0, 1)]
    assert payload["specification"] == SPECIFICATION
    assert payload["specification_digest"] == hashlib.sha256(rfc8785.dumps(SPECIFICATION)).hexdigest()
    assert payload["starts_in"] <= 0 < 3590 < payload["ends_in"] <= 3600
    assert (payload["terminate_before_end"], payload["kill_before_end"]) == (90, 30)
    assert 590 < payload["expires_in"] <= 600


def test_a_lease_is_repeated_until_it_is_staged_and_renewed_each_time() -> None:
    agent = SigningAgent()
    lease = make_lease(agent.row.node)
    Lease.objects.update(expires_at=clock.now())
    assert len(read(poll(agent))["leases"]) == 1
    lease.refresh_from_db()
    assert lease.expires_at > clock.now()
    assert len(read(poll(agent))["leases"]) == 1
    leases.stage(node_id=lease.node_id, lease_uid=lease.uid, fence=lease.fence, at=clock.now())
    assert read(poll(agent)) | {"server_time": ""} == {"leases": [], "stop": [], "server_time": ""}


def test_a_stop_is_told_instead_of_the_lease() -> None:
    agent = SigningAgent()
    lease = make_lease(agent.row.node)
    poll(agent)
    leases.request_stop(reference=lease.reference, at=clock.now())
    answer = read(poll(agent))
    assert (answer["leases"], answer["stop"]) == ([], [{"lease": str(lease.uid), "fence": lease.fence}])


def test_other_nodes_leases_are_not_told() -> None:
    agent = SigningAgent()
    make_lease(SigningAgent().row.node)
    assert read(poll(agent))["leases"] == []


def test_a_poll_that_waits_is_woken_by_a_new_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who is woken looks again before the end of the wait, and then it is empty-handed no more."""
    agent = SigningAgent()
    answer = poll_while(agent, lambda: make_lease(agent.row.node), monkeypatch)
    assert len(answer["leases"]) == 1


def test_a_poll_that_waits_is_woken_by_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent hears of it at once, and not only by its next heartbeat."""
    agent = SigningAgent()
    lease = make_lease(agent.row.node)
    poll(agent)  # it has it
    Lease.objects.filter(pk=lease.pk).update(state=Lease.State.RUNNING)
    began = time.monotonic()
    answer = poll_while(
        agent, lambda: leases.request_stop(reference=lease.reference, at=clock.now()), monkeypatch
    )
    assert answer["stop"] == [{"lease": str(lease.uid), "fence": lease.fence}]
    assert time.monotonic() - began < streams.LONGEST_WAIT  # before the last look, which the end brings


def test_a_poll_is_answered_without_redis_by_looking_again_and_again(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    agent = SigningAgent()
    began = time.monotonic()
    answer = poll_while(agent, lambda: make_lease(agent.row.node), monkeypatch)
    assert len(answer["leases"]) == 1
    assert streams.LOOK_EVERY * 10 < streams.LONGEST_WAIT
    assert time.monotonic() - began < streams.LONGEST_WAIT  # before the last look, which the end brings


def test_a_poll_that_waits_in_vain_is_answered_once_its_time_is_over() -> None:
    began = time.monotonic()
    assert read(poll(SigningAgent(), wait=1))["leases"] == []
    assert 0.9 < time.monotonic() - began < streams.LONGEST_WAIT


def test_polls_that_wait_hold_no_database_connection_and_block_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agents = [SigningAgent() for _ in range(6)]
    looked, look = [], streams._look

    async def looking(node: Node) -> Work:
        found = await look(node)
        looked.append(node)
        return found

    async def many() -> int:
        target = f"/agent/v1/work?wait={streams.LONGEST_WAIT}"
        polls = [asyncio.create_task(answered(target, agent.headers("GET", target))) for agent in agents]
        while len(looked) < len(agents):
            await asyncio.sleep(0.01)
        # All wait at once, though the test client has one thread for them.
        assert not any(poll.done() for poll in polls)
        connections = await asyncio.to_thread(count_connections)
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        return connections

    monkeypatch.setattr(streams, "_look", looking)
    connection.close()
    assert asyncio.run(asyncio.wait_for(many(), 60)) == 1  # the one that counts


def count_connections() -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"aud": "x"}, "401 token_invalid"),
        ({"htu": "/agent/v1/work?wait=1"}, "401 token_invalid"),
        ({"iat": 0, "exp": 60}, "401 clock_skew"),
    ],
)
def test_a_poll_is_signed_like_every_call(changes: dict[str, Any], refused: str) -> None:
    assert code(poll(SigningAgent(), **changes)) == refused


@pytest.mark.parametrize("wait", ["51", "-1", "x", "²", "", "9" * 5000])
def test_a_wait_that_is_no_number_of_seconds_is_refused(wait: str) -> None:
    agent = SigningAgent()
    target = f"/agent/v1/work?wait={wait}".replace("²", "%C2%B2")

    answer = asyncio.run(answered(target, agent.headers("GET", target)))
    assert code(answer) == "400 body_invalid"


def test_the_poll_is_served_under_wsgi_too() -> None:
    agent = SigningAgent()
    make_lease(agent.row.node)
    assert len(agent.get("work?wait=0").json()["leases"]) == 1
