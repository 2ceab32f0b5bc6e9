"""A run's log and states as events: from the database first, then as they are published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from accounts.models import User
from reservations.services import runs
from tests.reservations.views.running import Job

# The view and the job each use a connection of their own, as in a live site.
pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60.0  # seconds, for a stream that never ends
Event = tuple[str, object]
T = TypeVar("T")


@pytest.fixture
def job() -> Job:
    return Job()


def events(
    job: Job, *, until: str, after: int | str = 0, meanwhile: list[Callable[[], object]] | None = None
) -> list[tuple[str, object]]:
    """Read the stream until an event of this name; run the rest one by one, each after the next event."""
    steps = list(meanwhile or [])

    async def read() -> list[Event]:
        client = AsyncClient()
        await client.aforce_login(job.lab.member)
        response = await client.get(f"/runs/{job.run.uid}/events/?after={quote(str(after))}")
        assert response["Content-Type"] == "text/event-stream"
        heard: list[Event] = []
        async for name, content in told(response.streaming_content):
            heard.append((name, content))
            if name == until:
                break
            if steps:
                await asyncio.to_thread(closing(steps.pop(0)))
        return heard

    return finished(read())


def finished(asking: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and close the connections that Django's threads opened on the way."""

    async def run() -> T:
        try:
            return await asyncio.wait_for(asking, PATIENCE)
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(run())


def closing(step: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            step()
        finally:
            connections.close_all()

    return run


async def told(content: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    async for block in content:
        lines = dict(line.split(": ", 1) for line in block.decode().strip().splitlines())
        if "event" in lines:
            yield lines["event"], json.loads(lines["data"])


def test_a_stranger_gets_no_stream(job: Job, mallory: User) -> None:
    async def ask() -> int:
        client = AsyncClient()
        await client.aforce_login(mallory)
        return (await client.get(f"/runs/{job.run.uid}/events/")).status_code

    assert finished(ask()) == 404


def test_a_visitor_gets_no_stream(job: Job) -> None:
    async def ask() -> int:
        return (await AsyncClient().get(f"/runs/{job.run.uid}/events/")).status_code

    assert finished(ask()) == 401  # and no sign-in page, which no stream could read


def test_a_stream_of_a_job_that_is_over_tells_it_all_and_ends(job: Job) -> None:
    job.start().print("one\n", "two\n").end()
    assert events(job, until="end") == [
        ("log", {"seq": 1, "text": "one\n"}),
        ("log", {"seq": 2, "text": "two\n"}),
        ("state", {"state": "ended"}),
        ("end", {}),
    ]


def test_a_stream_goes_on_after_what_the_browser_has(job: Job) -> None:
    job.start().print("one\n", "two\n").end()
    assert events(job, until="end", after=1)[0] == ("log", {"seq": 2, "text": "two\n"})


@pytest.mark.parametrize("after", ["²", "-1", "x", "9" * 30, "9" * 5000])
def test_a_piece_of_log_that_cannot_be_is_taken_for_none(job: Job, after: str) -> None:
    job.start().print("one\n").end()
    heard = events(job, until="end", after=after)
    assert heard[0] == ("log", {"seq": 1, "text": "one\n"})


def test_what_is_printed_while_somebody_watches_arrives_at_once(job: Job) -> None:
    job.start()
    heard = events(job, until="end", meanwhile=[lambda: job.print("live\n"), lambda: job.end()])
    assert heard == [
        ("state", {"state": "running"}),
        ("log", {"seq": 1, "text": "live\n"}),
        ("state", {"state": "ended"}),
        ("end", {}),
    ]


def test_a_queued_run_that_is_taken_back_ends_its_stream(job: Job) -> None:
    stop = lambda: runs.stop_run(run=job.run, by=job.lab.member, at=job.at)  # noqa: E731
    heard = events(job, until="end", meanwhile=[stop])
    assert [content for name, content in heard if name == "state"] == [
        {"state": "queued"},
        {"state": "not_run"},
    ]


def test_a_job_cannot_forge_an_event(job: Job) -> None:
    job.start().print("\n\nevent: state\ndata: {}\n\n").end()
    assert [name for name, _ in events(job, until="end")] == ["log", "state", "end"]


def test_who_is_no_member_any_more_hears_no_more(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reservations.streams._LOOK_EVERY", 0)
    job.start()

    async def read() -> list[Event]:
        client = AsyncClient()
        await client.aforce_login(job.lab.member)
        response = await client.get(f"/runs/{job.run.uid}/events/")
        heard: list[Event] = []
        async for event in told(response.streaming_content):
            heard.append(event)
            if len(heard) == 1:
                leave = job.lab.project.memberships.filter(user=job.lab.member).delete
                await asyncio.to_thread(closing(leave))
                await asyncio.to_thread(closing(lambda: job.print("secret\n")))
        return heard

    heard = finished(read())
    assert heard == [("state", {"state": "running"})]


def test_without_a_broker_the_stream_ends_and_the_browser_asks_again(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "unix:///nowhere/valkey.sock?db=0")

    async def read() -> str:
        client = AsyncClient()
        await client.aforce_login(job.lab.member)
        response = await client.get(f"/runs/{job.run.uid}/events/")
        return b"".join([block async for block in response.streaming_content]).decode()

    assert finished(read()) == "retry: 2000\n\n: no broker\n\n"
