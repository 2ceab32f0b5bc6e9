"""Jobs for programs: queueing, stopping, what they printed and the files they brought back."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import quote

from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.api.bodies import Members
from common.api.shapes import moment
from common.ids import global_id
from nodes.models import Lease, LogChunk, Node, OutputFile
from nodes.selectors import lease_of
from reservations import tasks
from reservations.access import RESERVATION_KEEPER, RESERVATION_MEMBER, RUN_KEEPER, RUN_MEMBER
from reservations.api.shapes import FileShape, JobMembers, RunShape
from reservations.errors import RunRefused
from reservations.models import Reservation, Run
from reservations.selectors.runs import leases_of, run_row
from reservations.services import runs

# One answer; who wants more asks again after its last piece.
_MOST_CHUNKS = 500
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")
# What a job made is somebody's data, never part of this site: nothing in it may run or be guessed at.
_SANDBOX = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


class RunMembers(JobMembers):
    node = serializers.SlugField(
        required=False, help_text="Where; needed only where the slot has devices of several nodes."
    )

    example: ClassVar = {
        "script": "python3 train.py",
        "environment": {"SEED": "7"},
        "bring_back": ["out/*.csv"],
        "retry": "from_checkpoint",
        "checkpoint": ["state/*.pt"],
    }


class LogQuery(Members):
    after = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, default=0, help_text="The Log-Position of the answer before."
    )


class RunsApi(PersonalApiView):
    """Jobs of a slot, in their order."""

    access: ClassVar = {"GET": RESERVATION_MEMBER, "POST": agreed(RESERVATION_KEEPER)}
    scopes: ClassVar = {"GET": scopes.READ, "POST": scopes.RUN}
    bodies: ClassVar = {"POST": RunMembers}
    answers: ClassVar = {"GET": [RunShape], "POST": RunShape}

    def get(self, request: Request, reservation: Reservation) -> Response:
        found = list(reservation.runs.select_related("node", "retry_of").order_by("number"))
        leases = leases_of(found)
        items = [_shown(run, reservation, leases.get(run.reference)) for run in found]
        return Response({"items": items, "next": None})

    def post(self, request: Request, reservation: Reservation) -> Response:
        """Queue a job: it starts when the slot does, after those before it."""
        job = RunMembers.job_of(self.body)
        node = _node(reservation, job.pop("node", None))
        run = runs.queue_run(reservation=reservation, node=node, by=self.person, at=clock.now(), **job)
        transaction.on_commit(tasks.hurry)
        address = f"/api/v1/runs/{run.uid}"
        return Response(_shown(run, reservation, None), status=201, headers={"Location": address})


class RunApi(PersonalApiView):
    """One job."""

    access: ClassVar = {"GET": RUN_MEMBER}
    scopes: ClassVar = {"GET": scopes.READ}
    answers: ClassVar = {"GET": RunShape}

    def get(self, request: Request, run: Run) -> Response:
        return Response(_shown(run, run.reservation, lease_of(run.reference)))


class RunStopApi(PersonalApiView):
    """Take a queued job back, or ask its node to stop it."""

    access: ClassVar = {"POST": RUN_KEEPER}
    scopes: ClassVar = {"POST": scopes.RUN}
    answers: ClassVar = {"POST": RunShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, run: Run) -> Response:
        """A job that is being stopped may be asked again; one that is over is refused."""
        runs.stop_run(run=run, by=self.person, at=clock.now())
        run.refresh_from_db(fields=["state", "finished_at"])
        return Response(_shown(run, run.reservation, lease_of(run.reference)))


class RunLogApi(PersonalApiView):
    """What a job printed, as text. Ask again with `after` until Run-Over says true and nothing comes."""

    access: ClassVar = {"GET": RUN_MEMBER}
    scopes: ClassVar = {"GET": scopes.READ}
    queries: ClassVar = {"GET": LogQuery}
    answers: ClassVar = {"GET": "text/plain"}
    answer_headers: ClassVar = {
        "Log-Position": "Where this text ends: the `after` of the next call.",
        "Run-State": "The job’s state now.",
        "Run-Over": "true once nothing will follow.",
    }

    def get(self, request: Request, run: Run) -> HttpResponse:
        lease, position, text = lease_of(run.reference), self.query["after"], ""
        if lease is not None:
            pieces = list(
                LogChunk.objects.filter(lease=lease, seq__gt=position).order_by("seq")[:_MOST_CHUNKS]
            )
            position = pieces[-1].seq if pieces else position
            text = "".join(piece.text for piece in pieces)
            is_all = len(pieces) < _MOST_CHUNKS
        state = run.live_state(lease.state if lease else "")
        is_over = run.is_over or (lease is not None and lease.state not in Lease.LIVE)
        return HttpResponse(
            text,
            content_type="text/plain; charset=utf-8",
            headers={
                **_SANDBOX,
                "Log-Position": str(position),
                "Run-State": state,
                "Run-Over": "true" if is_over and (lease is None or is_all) else "false",
                "Link": f'</runs/{run.uid}/events/?after={position}>; rel="monitor"',
            },
        )


class RunFilesApi(PersonalApiView):
    """The files that a job brought back."""

    access: ClassVar = {"GET": RUN_MEMBER}
    scopes: ClassVar = {"GET": scopes.READ}
    answers: ClassVar = {"GET": [FileShape]}

    def get(self, request: Request, run: Run) -> Response:
        lease = lease_of(run.reference)
        files = list(lease.files.order_by("name")) if lease else []
        return Response({"items": [_file(run, file) for file in files], "next": None})


class RunFileApi(PersonalApiView):
    """The content of one file: always a download."""

    access: ClassVar = {"GET": RUN_MEMBER}
    scopes: ClassVar = {"GET": scopes.READ}
    answers: ClassVar = {"GET": "application/octet-stream"}
    answer_headers: ClassVar = {"Content-Range": "With 206: what this is of the whole."}

    def get(self, request: Request, run: Run, name: str) -> HttpResponseBase:
        lease = lease_of(run.reference)
        if (
            lease is None or "\0" in name
        ):  # no file is called that, and the database would not take the question
            raise Http404
        found = get_object_or_404(OutputFile, lease=lease, name=name)
        first = _first_byte(request, found)
        content = found.content.open("rb")
        content.seek(first)
        response = FileResponse(
            content, as_attachment=True, filename=name.rsplit("/", maxsplit=1)[-1],
            content_type="application/octet-stream", headers=_SANDBOX, status=206 if first else 200,
        )  # fmt: skip
        response.headers["ETag"], response.headers["Accept-Ranges"] = f'"{found.sha256}"', "bytes"
        if first:
            response.headers["Content-Range"] = f"bytes {first}-{found.size - 1}/{found.size}"
        return response


def _first_byte(request: Request, file: OutputFile) -> int:
    """Where a download that broke off goes on (RFC 9110, section 14); 0: from the start, as for any doubt."""
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range")
    if asked is None or condition not in (None, f'"{file.sha256}"'):
        return 0
    first = int(asked[1])
    return first if first < file.size else 0


def _node(reservation: Reservation, slug: str | None) -> Node:
    """The node that is named, or the only one that the slot has devices of."""
    if slug is not None:
        return get_object_or_404(Node, slug=slug)
    nodes = list(Node.objects.filter(devices__in=reservation.devices.values("device")).distinct()[:2])
    if len(nodes) > 1:
        raise RunRefused(_("This slot has devices of several nodes: say on which one to run."), field="node")
    return nodes[0]


def _shown(run: Run, reservation: Reservation, lease: Lease | None) -> dict[str, Any]:
    row = run_row(run, lease)
    return {
        "id": global_id(run.uid),
        "uid": str(run.uid),
        "reservation": str(reservation.uid),
        "number": run.number,
        "node": run.node.slug,
        "state": row.state,
        "script": run.script,
        "environment": run.environment,
        "bring_back": run.bring_back,
        "runner": run.runner or run.node.runner,
        "image": run.image or None,
        "network": run.network,
        "retry": run.retry,
        "checkpoint": run.checkpoint,
        "on_disconnect": run.on_disconnect,
        "retry_of": None if run.retry_of is None else str(run.retry_of.uid),
        "outcome": row.outcome,
        "exit_code": row.exit_code,
        "peak_memory_bytes": row.peak_memory,
        "cpu_seconds": None if row.cpu_seconds is None else str(row.cpu_seconds),
        "created_at": moment(run.created_at),
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
        "is_over": not row.is_live,
    }


def _file(run: Run, file: OutputFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "received_at": moment(file.received_at),
        "url": f"/api/v1/runs/{run.uid}/files/{quote(file.name)}",
    }
