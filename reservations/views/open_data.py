"""Open data: the catalogue, a page for each dataset, and its files, sent while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _

from common import clock
from common.access import ANYONE, guard
from common.api import limits
from common.api.errors import TooManyCalls
from common.http import client_address, problem
from common.open_data import descriptors, writing
from common.open_data.datasets import Dataset
from common.open_data.reading import snapshot
from common.open_data.writing import Member
from common.streaming import streamed
from reservations.selectors.catalogue import BY_NAME, EVERY, catalogue_page, dataset_page, editions

Answer = TypeVar("Answer", bound=HttpResponseBase)
Chunks = Callable[[], Iterator[bytes]]
# Each holds a connection until it is read: others need the rest of the pool.
_AT_ONCE = 3
_WAIT = 10  # seconds
_KEPT = "public, max-age=60"


@guard(ANYONE)
def open_data(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/open_data.html", {"page": catalogue_page(at=clock.now())})


@guard(ANYONE)
def open_data_set(request: HttpRequest, name: str) -> HttpResponse:
    page = dataset_page(_dataset(name), at=clock.now())
    return render(request, "reservations/open_data_set.html", {"page": page})


@guard(ANYONE)
def open_data_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    dataset = _dataset(name)
    content_type = f"{descriptors.CSV}; charset=utf-8; header=present"
    return _sent(request, [dataset], f"{name}.csv", lambda: writing.csv_of(dataset), content_type)


@guard(ANYONE)
def open_data_json(request: HttpRequest, name: str) -> HttpResponseBase:
    dataset = _dataset(name)
    return _sent(request, [dataset], f"{name}.json", lambda: writing.json_of(dataset), descriptors.JSON)


@guard(ANYONE)
def open_data_lines(request: HttpRequest, name: str) -> HttpResponseBase:
    dataset = _dataset(name)
    return _sent(
        request, [dataset], f"{name}.jsonl", lambda: writing.json_lines_of(dataset), descriptors.LINES
    )


@guard(ANYONE)
def open_data_schema(request: HttpRequest, name: str) -> HttpResponse:
    dataset = _dataset(name)
    with translation.override("en"):
        return _open(_indented(descriptors.table_schema(dataset)))


@guard(ANYONE)
def open_data_package(request: HttpRequest) -> HttpResponse:
    """In English whoever asks, as every file is: a copy is the same for everybody."""
    with translation.override("en"):
        return _open(_indented(descriptors.data_package(EVERY, origin=settings.SITE_ORIGIN)))


@guard(ANYONE)
def open_data_archive(request: HttpRequest) -> HttpResponseBase:
    at = clock.now()

    def chunks() -> Iterator[bytes]:
        return writing.package_of(EVERY, lambda members: _described(members, at), at=at)

    return _sent(request, EVERY, "equinode-open-data.zip", chunks, descriptors.ZIP)


def _described(members: list[Member], at: datetime) -> dict[str, Any]:
    with translation.override("en"):
        return descriptors.written_package(members, origin=settings.SITE_ORIGIN, at=at)


def _dataset(name: str) -> Dataset:
    found = BY_NAME.get(name)
    if found is None:
        raise Http404
    return found


# --- sending -----------------------------------------------------------------------------------------
def _sent(
    request: HttpRequest, datasets: Sequence[Dataset], name: str, chunks: Chunks, content_type: str
) -> HttpResponseBase:
    """The file, or 304 to who has these rows already. Counted with the API's calls."""
    if refused := _refused(request):
        return refused
    wants_gzip = content_type != descriptors.ZIP and _takes_gzip(request)
    etag = _etag(datasets, name, wants_gzip)
    known = get_conditional_response(request, etag=etag)
    if known is not None:
        return _headed(known, etag)
    # Not an answer without content, to whose headers a length of nothing would be added.
    content = _nothing() if request.method == "HEAD" else _read(chunks, wants_gzip)
    response = streamed(request, content, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if wants_gzip:
        response.headers["Content-Encoding"] = "gzip"
    return _headed(response, etag)


def _headed(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response.headers["ETag"] = etag
    patch_vary_headers(response, ["Accept-Encoding"])
    return _open(response)


def _etag(datasets: Sequence[Dataset], name: str, is_packed: bool) -> str:
    """Weak: the same rows may be packed or cut otherwise."""
    columns = ["/".join(dataset.column_names) for dataset in datasets]
    said = "\n".join([name, str(is_packed), *columns, *editions(datasets)])
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _nothing() -> Generator[bytes, None, None]:
    yield from ()


_reading: set[object] = set()  # in this process, by whichever thread


def _read(chunks: Chunks, is_packed: bool) -> Generator[bytes, None, None]:
    """All of one moment. Nothing is asked of the database before the first byte is."""
    reader = object()
    _reading.add(reader)
    try:
        with snapshot():
            yield from writing.gzipped(chunks()) if is_packed else chunks()
    finally:
        _reading.discard(reader)


def _refused(request: HttpRequest) -> HttpResponse | None:
    allowance = limits.counted(request.user, client_address(request))
    try:
        limits.require_left(allowance)
    except TooManyCalls as refusal:
        return _later(refusal.status, refusal.code, refusal.message, allowance.resets_in if allowance else 1)
    if len(_reading) < _AT_ONCE:
        return None
    busy = _("Others are reading much at the moment. Ask again in %(seconds)s seconds.") % {"seconds": _WAIT}
    return _later(HTTPStatus.SERVICE_UNAVAILABLE, "busy", busy, _WAIT)


def _later(status: int, code: str, message: str, seconds: int) -> HttpResponse:
    answer = problem(status, code, message)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _takes_gzip(request: HttpRequest) -> bool:
    said = request.headers.get("Accept-Encoding", "").lower().replace(" ", "").split(",")
    return any(one == "gzip" or (one.startswith("gzip;q=") and one[7:] not in ("0", "0.0")) for one in said)


def _indented(content: dict[str, Any]) -> JsonResponse:
    return JsonResponse(content, json_dumps_params={"ensure_ascii": False, "indent": 2})


def _open(response: Answer) -> Answer:
    """Anybody's page may read it; nothing here depends on who asks."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = _KEPT
    return response
