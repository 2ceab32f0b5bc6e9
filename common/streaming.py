"""Answers that are sent while they are made, by either kind of server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def streamed(
    request: HttpRequest, chunks: Generator[bytes, None, None], *, content_type: str
) -> StreamingHttpResponse:
    """Under ASGI, chunk by chunk from the request's own thread: Django would first read an iterator that
    is not asynchronous to its end, all of it in memory."""
    content = _pulled(chunks) if isinstance(request, ASGIRequest) else chunks
    return StreamingHttpResponse(content, content_type=content_type)


async def _pulled(chunks: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    take = sync_to_async(lambda: next(chunks, None))
    try:
        while (chunk := await take()) is not None:
            yield chunk
    finally:
        # Whoever went away in the middle leaves a transaction open, which this ends.
        await sync_to_async(chunks.close)()
