"""Booking, previewing and cancelling. A refusal is a problem document that names every rule."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Prefetch, QuerySet
from django.db.models.functions import JSONObject
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Project
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, moment
from common.ids import global_id
from common.ranges import bounds
from reservations import wording
from reservations.access import RESERVATION_KEEPER, RESERVATION_MEMBER
from reservations.api.shapes import (
    AnswerShape,
    JobMembers,
    ReservationShape,
    StartField,
)
from reservations.models import Reservation, ReservedDevice
from reservations.selectors import policies
from reservations.selectors.level_path import place_after_booking
from reservations.services import booking

MOST_DEVICES = 256


class SlotMembers(Members):
    project = serializers.SlugField(help_text="The project’s short name.")
    devices = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=MOST_DEVICES,
        help_text="Ids of devices, as /api/v1/nodes lists them.",
    )  # fmt: skip
    start = StartField(help_text="A 15-minute mark, or the word now.")
    end = MomentField(help_text="A 15-minute mark.")


class BookingMembers(SlotMembers):
    job = JobMembers(required=False, help_text="What to run first in the slot.")


_EXAMPLE: dict[str, Any] = {
    "project": "protein-shapes",
    "devices": ["019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10"],
    "start": "now",
    "end": "2026-11-24T18:00:00Z",
}
SlotMembers.example = _EXAMPLE
BookingMembers.example = _EXAMPLE | {"job": {"script": "python3 train.py", "environment": {"SEED": "7"}}}


class ReservationQuery(ListQuery):
    project = serializers.SlugField(required=False, help_text="Only this project’s.")
    state = serializers.ChoiceField(Reservation.State.values, required=False)
    starts_after = MomentField(required=False, help_text="Only slots that start at this moment or later.")
    ends_before = MomentField(required=False, help_text="Only slots that are over by this moment.")


class ReservationsApi(PersonalApiView):
    """Slots of your projects, newest first; and booking one."""

    access: ClassVar = {"GET": SIGNED_IN, "POST": agreed(SIGNED_IN)}
    scopes: ClassVar = {"GET": scopes.READ, "POST": scopes.BOOK}
    queries: ClassVar = {"GET": ReservationQuery}
    bodies: ClassVar = {"POST": BookingMembers}
    answers: ClassVar = {"GET": [ReservationShape], "POST": ReservationShape}
    refusals: ClassVar = {"POST": {"unknown_device": 404, "not_found": 404}}
    pointers: ClassVar = {name: f"#/job/{name}" for name in (*JobMembers().fields,)}

    def get(self, request: Request) -> Response:
        page = page_of_rows(request, self.query, _filtered(_mine(request), self.query), _shown)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Book, or say which rules stand in the way; either answer is a stored decision."""
        asked = self.body
        reservation = booking.book(
            project=_project(request, asked), devices=asked["devices"], start=asked["start"],
            end=asked["end"], asked_by=self.person, at=clock.now(),
            job=booking.JobSpec(**JobMembers.job_of(asked["job"])) if "job" in asked else None,
        )  # fmt: skip
        address = f"/api/v1/reservations/{reservation.uid}"
        devices = sorted({str(uid) for uid in asked["devices"]})
        nodes = sorted(node["slug"] for node in reservation.decision.snapshot["nodes"])
        return Response(_described(reservation, devices, nodes), status=201, headers={"Location": address})


class PreviewApi(PersonalApiView):
    """What booking would be answered now: every rule, the price, the level. Nothing is stored or held."""

    access: ClassVar = {"POST": SIGNED_IN}
    scopes: ClassVar = {"POST": scopes.READ}
    bodies: ClassVar = {"POST": SlotMembers}
    answers: ClassVar = {"POST": AnswerShape}
    refusals: ClassVar = {"POST": {"unknown_device": 404, "not_found": 404}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request) -> Response:
        asked, at = self.body, clock.now()
        project = _project(request, asked)
        answer = booking.preview(
            project=project, devices=asked["devices"], start=asked["start"], end=asked["end"],
            asked_by=self.person, at=at,
        )  # fmt: skip
        told, rules = answer.to_json(), policies.in_force(at)[1]
        return Response(
            {
                "is_granted": answer.is_granted,
                "headline": wording.headline(answer),
                "rules": wording.as_json(answer),
                "quote": told["quote"],
                "level": told["level"],
                "place": place_after_booking(project=project, quote=answer.quote, policy=rules, at=at),
                "nearest": told["nearest"],
                "alternatives": told.get("alternatives", []),
            }
        )


class ReservationApi(PersonalApiView):
    """One slot."""

    access: ClassVar = {"GET": RESERVATION_MEMBER, "DELETE": RESERVATION_KEEPER}
    scopes: ClassVar = {"GET": scopes.READ, "DELETE": scopes.BOOK}
    answers: ClassVar = {"GET": ReservationShape, "DELETE": ReservationShape}

    def get(self, request: Request, reservation: Reservation) -> Response:
        return Response(described(request, reservation))

    def delete(self, request: Request, reservation: Reservation) -> Response:
        """Cancel; what that costs is settled after the slot."""
        cancelled = booking.cancel(reservation=reservation, by=self.person, at=clock.now())
        return Response(described(request, cancelled))


def described(request: Request, reservation: Reservation) -> dict[str, Any]:
    """A slot as it is now."""
    return _shown(_mine(request).get(pk=reservation.pk))


def _project(request: Request, asked: dict[str, Any]) -> Project:
    return get_object_or_404(Project.objects.of(request.user), slug=asked["project"])


def _mine(request: Request) -> QuerySet[Reservation]:
    devices = ReservedDevice.objects.select_related("device__node")
    heavy = [f"decision__{name}" for name in ("request", "rules", "quote")]
    mine = Reservation.objects.of(request.user).select_related("project", "decision").defer(*heavy)
    after = Reservation.objects.filter(descendant_of=OuterRef("pk")).order_by("pk")
    following = ArraySubquery(after.values(json=JSONObject(change="change", uid="uid")))
    return mine.prefetch_related(Prefetch("devices", devices)).annotate(
        before=F("descendant_of__uid"), after=following
    )


def _filtered(rows: QuerySet[Reservation], asked: dict[str, Any]) -> QuerySet[Reservation]:
    columns = {
        "project": "project__slug",
        "state": "state",
        "starts_after": "during__startswith__gte",
        "ends_before": "during__endswith__lte",
    }
    return rows.filter(**{column: asked[name] for name, column in columns.items() if name in asked})


def _shown(reservation: Reservation) -> dict[str, Any]:
    devices = [one.device for one in reservation.devices.all()]
    return _described(
        reservation,
        sorted(str(device.uid) for device in devices),
        sorted({device.node.slug for device in devices}),
    )


def _described(reservation: Reservation, devices: list[str], nodes: list[str]) -> dict[str, Any]:
    start, end = bounds(reservation.during)
    return {
        "id": global_id(reservation.uid),
        "uid": str(reservation.uid),
        "url": reservation.get_absolute_url(),
        "project": reservation.project.slug,
        "state": reservation.state,
        "start": moment(start),
        "end": moment(end),
        "nodes": nodes,
        "devices": devices,
        "quoted_price": str(reservation.quoted_price),
        "currency": "EUR",
        "decision": f"/api/v1/decisions/{reservation.decision.uid}",
        "created_at": moment(reservation.created_at),
        "cancelled_at": moment(reservation.cancelled_at),
        "released_at": moment(reservation.released_at),
        "release_asked_at": moment(reservation.release_asked_at),
        "checked_in_at": moment(reservation.checked_in_at),
        "change": reservation.change,
        "descendant_of": _address(getattr(reservation, "before", None)),
        "descendants": [
            {"change": one["change"], "reservation": _address(one["uid"])}
            for one in getattr(reservation, "after", [])
        ],
    }


def _address(uid: object) -> str | None:
    return None if uid is None else f"/api/v1/reservations/{uid}"
