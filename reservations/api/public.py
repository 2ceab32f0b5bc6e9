"""Fairness and status for programs: what the public pages say."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import clock
from common.access import ANYONE
from common.api.shapes import Shape
from common.api.view import ApiView
from reservations.selectors import open_data
from reservations.selectors.status import status_page


class ShareShape(Shape):
    name = serializers.CharField()
    depth = serializers.IntegerField()
    is_project = serializers.BooleanField()
    shares = serializers.IntegerField(allow_null=True)
    promised = serializers.CharField(help_text="An exact fraction.")
    received = serializers.CharField(help_text="An exact fraction.")
    level = serializers.CharField(allow_null=True, help_text="Promised over received; null: nothing used.")
    place = serializers.IntegerField(allow_null=True, help_text="Projects only: 1 goes first.")


class RequestsShape(Shape):
    asked = serializers.IntegerField()
    granted = serializers.IntegerField()
    days = serializers.IntegerField()


class FairnessShape(Shape):
    at = serializers.DateTimeField()
    policy = serializers.IntegerField()
    shares = ShareShape(many=True)
    jain = serializers.CharField(allow_null=True, help_text="Jain’s index; 1 is perfectly even.")
    requests = RequestsShape()
    refusals = serializers.DictField(child=serializers.IntegerField(), help_text="By rule.")

    example: ClassVar = {
        "at": "2026-11-22T18:03:11.120000Z",
        "policy": 1,
        "shares": [
            {"name": "Protein shapes", "depth": 2, "is_project": True, "shares": 3, "promised": "3/20",
             "received": "17/160", "level": "1.41", "place": 2}
        ],
        "jain": "0.93",
        "requests": {"asked": 240, "granted": 221, "days": 28},
        "refusals": {"room": 12, "length": 7},
    }  # fmt: skip


class SweepShape(Shape):
    name = serializers.CharField()
    finished_at = serializers.DateTimeField(allow_null=True)
    every_seconds = serializers.IntegerField()
    took_ms = serializers.IntegerField(allow_null=True)
    is_stale = serializers.BooleanField()


class NodeHealthShape(Shape):
    name = serializers.CharField()
    url = serializers.CharField()
    last_seen_at = serializers.DateTimeField(allow_null=True)
    is_answering = serializers.BooleanField()
    live_leases = serializers.IntegerField()


class LedgerHealthShape(Shape):
    entries = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Appended, not numbered yet.")
    unsigned = serializers.IntegerField(help_text="Numbered, not under a signed checkpoint yet.")
    signed = serializers.IntegerField()


class JobsShape(Shape):
    queued = serializers.IntegerField()
    running = serializers.IntegerField()


class StatusShape(Shape):
    at = serializers.DateTimeField()
    is_well = serializers.BooleanField()
    sweeps = SweepShape(many=True)
    nodes = NodeHealthShape(many=True)
    listed_nodes = serializers.IntegerField()
    ledger = LedgerHealthShape()
    jobs = JobsShape()

    example: ClassVar = {
        "at": "2026-11-22T18:03:11.120000Z",
        "is_well": True,
        "sweeps": [
            {"name": "dispatch_due", "finished_at": "2026-11-22T18:03:10.900000Z", "every_seconds": 1,
             "took_ms": 4, "is_stale": False}
        ],
        "nodes": [
            {"name": "Gemini 1", "url": "/nodes/gemini-1/", "last_seen_at": "2026-11-22T18:03:09Z",
             "is_answering": True, "live_leases": 1}
        ],
        "listed_nodes": 14,
        "ledger": {"entries": 42, "waiting": 0, "unsigned": 0, "signed": 42},
        "jobs": {"queued": 2, "running": 1},
    }  # fmt: skip


class FairnessApi(ApiView):
    """Promised and received share of every account and project."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": FairnessShape}
    refusals: ClassVar = {"GET": {"no_policy": 409}}

    def get(self, request: Request) -> Response:
        return Response(open_data.kept_fairness_json(at=clock.now()))


class StatusApi(ApiView):
    """Whether the site is well: 200 even when something is wrong, and it says what."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": StatusShape}

    def get(self, request: Request) -> Response:
        return Response(open_data.status_json(status_page(at=clock.now())))
