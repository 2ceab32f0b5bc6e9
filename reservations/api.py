"""Booking for programs: `/api/v1/reservations`. A refusal is a problem document that names every rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Project, User
from common import clock
from common.ranges import bounds
from reservations.domain import jobs
from reservations.domain.exact_json import moment
from reservations.models import Reservation
from reservations.services import booking

MOST_LISTED = 200
MOST_DEVICES = 256


class MomentField(serializers.DateTimeField):
    """A moment; UTC unless it says otherwise, whatever zone its reader has chosen for pages."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


class StartField(MomentField):
    """A moment, or the word `now`."""

    def to_internal_value(self, value: Any) -> Any:
        return None if value == "now" else super().to_internal_value(value)


class Job(serializers.Serializer[Any]):
    """What to run first in the slot."""

    script = serializers.CharField(max_length=jobs.LARGEST_SCRIPT, trim_whitespace=False)
    environment = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    bring_back = serializers.ListField(child=serializers.CharField(), default=list)


class ReservationsApi(APIView):
    """GET and POST /api/v1/reservations"""

    class Input(serializers.Serializer[Any]):
        project = serializers.SlugField()
        devices = serializers.ListField(
            child=serializers.UUIDField(), allow_empty=False, max_length=MOST_DEVICES
        )
        start = StartField()
        end = MomentField()
        job = Job(required=False)

    def get(self, request: Request) -> Response:
        """Those of the caller's projects, newest first."""
        return Response({"reservations": [_shown(one) for one in _mine(request)[:MOST_LISTED]]})

    def post(self, request: Request) -> Response:
        """Book, or say which rules stand in the way; either answer is a stored decision."""
        wanted = self.Input(data=request.data)
        wanted.is_valid(raise_exception=True)
        asked = wanted.validated_data
        reservation = booking.book(
            project=get_object_or_404(Project.objects.of(request.user), slug=asked["project"]),
            devices=asked["devices"], start=asked["start"], end=asked["end"], asked_by=_person(request),
            at=clock.now(), job=booking.JobSpec(**asked["job"]) if "job" in asked else None,
        )  # fmt: skip
        address = f"/api/v1/reservations/{reservation.uid}"
        devices = sorted({str(uid) for uid in asked["devices"]})
        return Response(_described(reservation, devices), status=201, headers={"Location": address})


class ReservationApi(APIView):
    """GET and DELETE /api/v1/reservations/<uid>"""

    def get(self, request: Request, uid: UUID) -> Response:
        return Response(_shown(get_object_or_404(_mine(request), uid=uid)))

    def delete(self, request: Request, uid: UUID) -> Response:
        """Cancel; what that costs is settled after the slot."""
        reservation = get_object_or_404(_mine(request), uid=uid)
        cancelled = booking.cancel(reservation=reservation, by=_person(request), at=clock.now())
        return Response(_shown(_mine(request).get(pk=cancelled.pk)))


def _person(request: Request) -> User:
    return cast("User", request.user)  # IsAuthenticated is this API's default


def _mine(request: Request) -> QuerySet[Reservation]:
    mine = Reservation.objects.of(request.user).select_related("project", "decision")
    return mine.prefetch_related("devices__device")


def _shown(reservation: Reservation) -> dict[str, Any]:
    return _described(reservation, sorted(str(one.device.uid) for one in reservation.devices.all()))


def _described(reservation: Reservation, devices: list[str]) -> dict[str, Any]:
    start, end = bounds(reservation.during)
    return {
        "uid": str(reservation.uid),
        "url": reservation.get_absolute_url(),
        "project": reservation.project.slug,
        "state": reservation.state,
        "start": moment(start),
        "end": moment(end),
        "devices": devices,
        "quoted_price": str(reservation.quoted_price),
        "currency": "EUR",
        "decision": reservation.decision.get_absolute_url(),
        "created_at": moment(reservation.created_at),
        "cancelled_at": _moment(reservation.cancelled_at),
    }


def _moment(at: datetime | None) -> str | None:
    return moment(at) if at else None
