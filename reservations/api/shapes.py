"""What endpoints of reservations take and answer, as docs/openapi.yaml tells it."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.bodies import Members
from common.api.shapes import MomentField, Shape
from common.api.text import TextField
from nodes.domain.confinement import LONGEST_IMAGE, NETWORKS, RUNNERS
from reservations.domain import jobs
from reservations.models import Reservation, Run


@extend_schema_field({"anyOf": [{"type": "string", "format": "date-time"}, {"const": "now"}]})
class StartField(MomentField):
    """A moment, or the word `now`."""

    def to_internal_value(self, value: Any) -> Any:
        return None if value == "now" else super().to_internal_value(value)


class JobMembers(Members):
    script = TextField(
        max_length=jobs.LARGEST_SCRIPT,
        trim_whitespace=False,
        help_text="Run by /bin/sh in the job’s own folder.",
    )
    environment = serializers.DictField(
        child=TextField(allow_blank=True, trim_whitespace=False), default=dict,
        help_text="Variables. Members of the project and the node’s administrators can read them.",
    )  # fmt: skip
    bring_back = serializers.ListField(
        child=TextField(), default=list, help_text="Patterns of files to bring back."
    )
    runner = serializers.ChoiceField(
        ("", *RUNNERS), default="", help_text="What it runs under; empty: what its node is listed with."
    )
    image = TextField(
        max_length=LONGEST_IMAGE, allow_blank=True, default="",
        help_text="With podman or docker: registry/name@sha256:digest.",
    )  # fmt: skip
    network = serializers.ChoiceField(
        NETWORKS, default="none",
        help_text="internet: public addresses, through a proxy. list: what the node’s owner lists.",
    )  # fmt: skip
    retry = serializers.ChoiceField(
        jobs.RETRIES, default=jobs.Retry.NEVER.value,
        help_text="What becomes of it if its node fails: at most three times more, within its slot.",
    )  # fmt: skip
    checkpoint = serializers.ListField(
        child=TextField(), default=list,
        help_text="With from_checkpoint: patterns of the files that it goes on from.",
    )  # fmt: skip
    on_disconnect = serializers.ChoiceField(
        jobs.ON_DISCONNECT, default=jobs.OnDisconnect.KEEP.value,
        help_text="keep: it runs on while node and site cannot reach each other. "
        "stop: it is stopped after ten minutes of that.",
    )  # fmt: skip

    @staticmethod
    def job_of(members: dict[str, Any]) -> dict[str, Any]:
        """These members as services take a job: what to run, and how under `terms`."""
        told = dict(members)
        terms = jobs.Terms.pop(told)
        return told | {"terms": terms}


class DescendantShape(Shape):
    change = serializers.ChoiceField(Reservation.Change.values)
    reservation = serializers.CharField(help_text="Its address.")


class ReservationShape(Shape):
    id = serializers.URLField(help_text="The same on every site.")
    uid = serializers.UUIDField()
    url = serializers.CharField(help_text="Its page.")
    project = serializers.SlugField()
    state = serializers.ChoiceField(Reservation.State.values)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    nodes = serializers.ListField(child=serializers.SlugField())
    devices = serializers.ListField(child=serializers.UUIDField())
    quoted_price = serializers.CharField(help_text="Frozen when it was booked, the site’s fee included.")
    currency = serializers.CharField()
    decision = serializers.CharField(help_text="The address of the decision that granted it.")
    created_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    released_at = serializers.DateTimeField(allow_null=True, help_text="When the rest was given back.")
    release_asked_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when the rest is to be given back after its jobs."
    )
    checked_in_at = serializers.DateTimeField(allow_null=True, help_text="When somebody said they use it.")
    change = serializers.ChoiceField(
        ["", *Reservation.Change.values], help_text="How it came out of `descendant_of`."
    )
    descendant_of = serializers.CharField(
        allow_null=True, help_text="The address of the slot that it took the place of, or goes on from."
    )
    descendants = DescendantShape(many=True, help_text="The slots that came out of this one.")

    example: ClassVar = {
        "id": "https://equinode.example/019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa",
        "uid": "019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa",
        "url": "/reservations/019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa/",
        "project": "protein-shapes",
        "state": "booked",
        "start": "2026-11-24T14:00:00Z",
        "end": "2026-11-24T18:00:00Z",
        "nodes": ["gemini-1"],
        "devices": ["019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10"],
        "quoted_price": "6.712000",
        "currency": "EUR",
        "decision": "/api/v1/decisions/019306a2-0c4e-7c11-b3f8-2a3b0f6d4e77",
        "created_at": "2026-11-22T18:03:11.120000Z",
        "cancelled_at": None,
        "released_at": None,
        "release_asked_at": None,
        "checked_in_at": None,
        "change": "",
        "descendant_of": None,
        "descendants": [],
    }


class RuleExceptionShape(Shape):
    exception = serializers.UUIDField()
    number = serializers.CharField(help_text="Of the policy.")
    policy = serializers.CharField(help_text="What the policy says: an exact number.")
    value = serializers.CharField(help_text="What held for the project.")
    until = serializers.DateTimeField()


class RuleShape(Shape):
    code = serializers.CharField()
    verdict = serializers.CharField(help_text="pass, refuse or idle: it does not apply.")
    name = serializers.CharField()
    text = serializers.CharField()
    limit = serializers.CharField(allow_null=True)
    actual = serializers.CharField(allow_null=True)
    excess = serializers.CharField(allow_null=True)
    remedy = serializers.CharField(help_text="What would work.")
    exceptions = RuleExceptionShape(many=True, help_text="To the policy, that this was answered under.")


class AlternativeShape(Shape):
    kind = serializers.CharField(
        help_text="What differs: devices, shorter, fewer, earlier, later, elsewhere (the model on another "
        "node) or model (another one)."
    )
    devices = serializers.ListField(child=serializers.UUIDField())
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    total = serializers.CharField(help_text="EUR.")


class AnswerShape(Shape):
    is_granted = serializers.BooleanField()
    headline = serializers.CharField()
    rules = RuleShape(many=True)
    quote = serializers.DictField(allow_null=True, help_text="Line by line, and which grants pay.")
    level = serializers.DictField(
        allow_null=True, help_text="The project’s fair-share level before and after."
    )
    place = serializers.CharField(
        help_text="After whom the project would come for the next contested slot, by public names."
    )
    nearest = serializers.DictField(
        allow_null=True, help_text="The shortest way through, where one is known."
    )
    alternatives = AlternativeShape(
        many=True, help_text="Of a refusal: the nearest of each kind that passes every rule."
    )

    example: ClassVar = {
        "is_granted": True,
        "headline": "Every rule passes.",
        "rules": [
            {"code": "length", "verdict": "pass", "name": "Length", "text": "4 h, of 168 h at most.",
             "limit": "168.000000", "actual": "4.000000", "excess": None, "remedy": "", "exceptions": []}
        ],
        "quote": {"total": "6.712000"},
        "level": {"before": "1.04", "after": "0.98"},
        "place": "For the next contested slot you stay at place 2 of 9.",
        "nearest": None,
        "alternatives": [],
    }  # fmt: skip


class RunShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    reservation = serializers.UUIDField()
    number = serializers.IntegerField(help_text="Counted from 1 within its slot.")
    node = serializers.SlugField()
    state = serializers.CharField(help_text=f"{', '.join(Run.State.values)}, or what the node said last.")
    script = serializers.CharField()
    environment = serializers.DictField(child=serializers.CharField())
    bring_back = serializers.ListField(child=serializers.CharField())
    runner = serializers.CharField()
    image = serializers.CharField(allow_null=True)
    network = serializers.ChoiceField(NETWORKS)
    retry = serializers.ChoiceField(jobs.RETRIES)
    checkpoint = serializers.ListField(child=serializers.CharField())
    on_disconnect = serializers.ChoiceField(jobs.ON_DISCONNECT)
    retry_of = serializers.UUIDField(
        allow_null=True,
        help_text="The run in whose place this one was queued: its node failed, or its slot was moved.",
    )
    outcome = serializers.CharField(help_text="How it ended, in a sentence; empty while it has not.")
    exit_code = serializers.IntegerField(allow_null=True)
    peak_memory_bytes = serializers.IntegerField(allow_null=True)
    cpu_seconds = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    is_over = serializers.BooleanField()

    example: ClassVar = {
        "id": "https://equinode.example/019306a3-1d00-7a0c-8f66-7d8a3b1c9e21",
        "uid": "019306a3-1d00-7a0c-8f66-7d8a3b1c9e21",
        "reservation": "019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa",
        "number": 1,
        "node": "gemini-1",
        "state": "ended",
        "script": "python3 train.py",
        "environment": {"SEED": "7"},
        "bring_back": ["out/*.csv"],
        "runner": "bubblewrap",
        "image": None,
        "network": "none",
        "retry": "from_checkpoint",
        "checkpoint": ["state/*.pt"],
        "on_disconnect": "keep",
        "retry_of": None,
        "outcome": "The job ended by itself, exit code 0, after 3 h 18 min.",
        "exit_code": 0,
        "peak_memory_bytes": 8589934592,
        "cpu_seconds": "11880.25",
        "created_at": "2026-11-22T18:05:00Z",
        "started_at": "2026-11-24T14:00:00.018000Z",
        "ended_at": "2026-11-24T17:18:02Z",
        "is_over": True,
    }


class FileShape(Shape):
    name = serializers.CharField(help_text="Its path in the job’s folder.")
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    received_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="Where its content is.")

    example: ClassVar = {
        "name": "out/result.csv",
        "size": 20480,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "received_at": "2026-11-24T17:18:04Z",
        "url": "/api/v1/runs/019306a3-1d00-7a0c-8f66-7d8a3b1c9e21/files/out/result.csv",
    }
