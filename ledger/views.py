"""The public pages of the log, each with its data beside it."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control

from common.access import ANYONE, guard
from common.http import problem
from ledger.domain.jcs import moment
from ledger.errors import ConsistencyRefused, EntryNotSequenced
from ledger.selectors import pages as selectors
from ledger.selectors.consistency import consistency

LARGEST_INDEX = 2**63 - 1  # a bigint


@cache_control(public=True, max_age=5)  # c2sp.org/tlog-tiles: a checkpoint is cached for a few seconds
@guard(ANYONE)
def checkpoint(request: HttpRequest) -> HttpResponse:
    signed = selectors.latest_checkpoint()
    if signed is None:
        return HttpResponse(
            "Nothing has been signed yet.\n",
            status=HTTPStatus.NOT_FOUND,
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(signed.note, content_type="text/plain; charset=utf-8")


def _before(request: HttpRequest) -> int | None:
    value = request.GET.get("before", "")
    if not value:
        return None
    # The length first: Python refuses to read a number of thousands of digits.
    if not value.isascii() or not value.isdigit() or len(value) > 19 or int(value) > LARGEST_INDEX:
        raise Http404
    return int(value)


def _page(request: HttpRequest) -> selectors.LedgerPage:
    return selectors.ledger_page(kind=request.GET.get("kind", ""), before=_before(request))


@guard(ANYONE)
def ledger(request: HttpRequest) -> HttpResponse:
    return render(request, "ledger/ledger.html", {"page": _page(request)})


def _entry(index: int) -> selectors.EntryPage:
    if index > LARGEST_INDEX:
        raise Http404
    try:
        return selectors.entry_page(index=index)
    except EntryNotSequenced as exc:
        raise Http404(exc.message) from exc


@guard(ANYONE)
def ledger_entry(request: HttpRequest, index: int) -> HttpResponse:
    return render(request, "ledger/ledger_entry.html", {"page": _entry(index)})


def _checkpoint_json(signed: selectors.CheckpointState | None) -> dict[str, Any] | None:
    return None if signed is None else asdict(signed) | {"signed_at": moment(signed.signed_at)}


def _line_json(line: selectors.EntryLine) -> dict[str, Any]:
    return {
        "index": line.index,
        "id": line.id,
        "kind": line.kind,
        "appended_at": moment(line.appended_at),
        "leaf_hash": line.leaf_hash,
        "url": reverse("ledger_entry_json", args=[line.index]),
    }


@guard(ANYONE)
def ledger_json(request: HttpRequest) -> JsonResponse:
    page = _page(request)
    older = None
    if page.older is not None:
        kind = f"kind={page.kind}&" if page.kind else ""
        older = f"{reverse('ledger_json')}?{kind}before={page.older}"
    return JsonResponse(
        {
            "origin": page.origin,
            "vkey": page.vkey,
            "checkpoint": _checkpoint_json(page.checkpoint),
            "entries": [_line_json(line) for line in page.entries],
            "older": older,
        }
    )


@guard(ANYONE)
def ledger_entry_json(request: HttpRequest, index: int) -> JsonResponse:
    page = _entry(index)
    return JsonResponse(
        _line_json(page.line)
        | {
            "origin": page.origin,
            "vkey": page.vkey,
            "leaf": page.leaf,
            "proof": [step.hash for step in page.proof],
            "checkpoint": _checkpoint_json(page.checkpoint),
        }
    )


def _size(request: HttpRequest, name: str) -> int | None:
    """None where it was not asked; below zero, which no tree is, where it cannot be read."""
    value = request.GET.get(name, "")
    if not value:
        return None
    # The length first, as above.
    is_readable = value.isascii() and value.isdigit() and len(value) <= 19 and int(value) <= LARGEST_INDEX
    return int(value) if is_readable else -1


@guard(ANYONE)
def ledger_consistency_json(request: HttpRequest) -> JsonResponse:
    """`?from=` the size of a checkpoint that was kept, `&to=` a later one's; without it, the newest's."""
    try:
        found = consistency(old=_size(request, "from") or 0, new=_size(request, "to"))
    except ConsistencyRefused as refused:
        return problem(refused.status, refused.code, refused.message, field=refused.field, **refused.details)
    return JsonResponse(
        {
            "origin": found.origin,
            "vkey": found.vkey,
            "from": found.old,
            "to": found.new,
            "proof": found.proof,
            "checkpoint": found.checkpoint,
        }
    )
