"""Sent while it is made: by either kind of server one chunk is asked for when one can be sent."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncRequestFactory, RequestFactory

from common.streaming import streamed


class Source:
    """Says how far it was read, and whether it was closed."""

    def __init__(self) -> None:
        self.read, self.is_closed = 0, False

    def chunks(self) -> Generator[bytes, None, None]:
        try:
            for number in range(3):
                self.read += 1
                yield b"%d" % number
        finally:
            self.is_closed = True


@pytest.mark.django_db  # Django closes old connections as an answer ends, and looks at them first
def test_a_synchronous_server_is_given_chunks_as_it_asks_for_them() -> None:
    source = Source()
    answer = streamed(RequestFactory().get("/"), source.chunks(), content_type="text/csv")
    assert source.read == 0
    chunks = iter(answer)
    assert (next(chunks), source.read) == (b"0", 1)
    answer.close()
    assert source.is_closed


def test_so_is_an_asynchronous_one() -> None:
    """Django would read an iterator to its end first: a million rows in memory."""
    source = Source()

    async def read() -> list[bytes]:
        answer = streamed(AsyncRequestFactory().get("/"), source.chunks(), content_type="text/csv")
        assert answer.is_async
        chunks = answer.__aiter__()
        first = await chunks.__anext__()
        assert source.read == 1
        return [first, *[chunk async for chunk in chunks]]

    assert async_to_sync(read)() == [b"0", b"1", b"2"]
    assert source.is_closed


def test_who_goes_away_in_the_middle_leaves_nothing_open() -> None:
    source = Source()

    async def leave() -> None:
        chunks = streamed(AsyncRequestFactory().get("/"), source.chunks(), content_type="").streaming_content
        await chunks.__anext__()
        await chunks.aclose()

    async_to_sync(leave)()
    assert (source.read, source.is_closed) == (1, True)
