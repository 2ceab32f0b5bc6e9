"""The public log for programs: its entries, each with its proof."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.access import ANYONE
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.api.view import ApiView
from ledger.errors import EntryNotSequenced
from ledger.models import Entry
from ledger.selectors import pages
from ledger.wording import LABELS

_LARGEST_INDEX = 2**63 - 1  # a bigint


class EntryQuery(ListQuery):
    kind = serializers.ChoiceField(list(LABELS), required=False, help_text="Only entries of this kind.")


class EntryShape(Shape):
    index = serializers.IntegerField()
    id = serializers.CharField(help_text="The same on every site.")
    kind = serializers.CharField()
    appended_at = serializers.DateTimeField()
    leaf_hash = serializers.CharField(help_text="SHA-256 of the leaf (RFC 9162), base64.")
    url = serializers.CharField()

    example: ClassVar = {
        "index": 41,
        "id": "https://equinode.example/019306a2-0c4e-7c55-93aa-6b7c8d9e0f10",
        "kind": "decision",
        "appended_at": "2026-11-22T18:03:11.120000Z",
        "leaf_hash": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
        "url": "/ledger/entries/41/",
    }


class CheckpointShape(Shape):
    size = serializers.IntegerField()
    root = serializers.CharField(help_text="Base64, as in the note.")  # type: ignore[assignment]
    signed_at = serializers.DateTimeField()
    note = serializers.CharField(help_text="The C2SP signed note.")


class ProvenEntryShape(EntryShape):
    origin = serializers.CharField()
    vkey = serializers.CharField(help_text="The key that signs the log.")
    leaf = serializers.CharField(help_text="Canonical JSON (RFC 8785): exactly what is hashed.")
    proof = serializers.ListField(
        child=serializers.CharField(), help_text="Inclusion proof, from the leaf up."
    )
    checkpoint = CheckpointShape()

    example: ClassVar = {
        **EntryShape.example,
        "origin": "equinode.example/ledger",
        "vkey": "equinode.example/ledger+3f2a9c01+AW5v…",
        "leaf": '{"body":{},"id":"https://equinode.example/019306a2-0c4e-7c55-93aa-6b7c8d9e0f10"}',
        "proof": ["n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="],
        "checkpoint": {
            "size": 42, "root": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "signed_at": "2026-11-22T18:03:12Z", "note": "equinode.example/ledger\n42\n…",
        },
    }  # fmt: skip


class EntriesApi(ApiView):
    """The public log, newest entry first."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": EntryQuery}
    answers: ClassVar = {"GET": [EntryShape]}

    def get(self, request: Request) -> Response:
        entries = Entry.objects.sequenced()
        if "kind" in self.query:
            entries = entries.filter(kind=self.query["kind"])
        page = page_of_rows(request, self.query, entries, _shown, order=("-index",))
        return Response(page.data, headers=page.headers)


class EntryApi(ApiView):
    """One entry with its proof against the latest checkpoint."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": ProvenEntryShape}

    def get(self, request: Request, index: int) -> Response:
        if index > _LARGEST_INDEX:
            raise Http404
        try:
            page = pages.entry_page(index=index)
        except EntryNotSequenced as exc:
            raise Http404 from exc
        return Response(
            _line(page.line)
            | {
                "origin": page.origin,
                "vkey": page.vkey,
                "leaf": page.leaf,
                "proof": [step.hash for step in page.proof],
                "checkpoint": asdict(page.checkpoint) | {"signed_at": moment(page.checkpoint.signed_at)},
            }
        )


def _shown(entry: Entry) -> dict[str, Any]:
    return _line(pages.line_of(entry))


def _line(line: pages.EntryLine) -> dict[str, Any]:
    return {
        "index": line.index,
        "id": line.id,
        "kind": line.kind,
        "appended_at": moment(line.appended_at),
        "leaf_hash": line.leaf_hash,
        "url": reverse("ledger_entry", args=[line.index]),
    }
