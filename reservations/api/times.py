"""Who holds what when, and what is free: for programs that look for a slot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.domain import scopes
from accounts.models import Project
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.errors import ParametersInvalid
from common.api.shapes import MomentField, Shape, moment
from common.api.view import ApiView
from nodes.models import Node
from pricing.domain.declared import plain
from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy
from reservations.selectors import policies
from reservations.selectors.cells import Cell
from reservations.selectors.exceptions import horizon_of, with_horizon
from reservations.selectors.frame import Frame
from reservations.selectors.openings import Opening, openings
from reservations.selectors.timetable import DeviceRow, NodeRows, Timetable, week

_LONGEST = timedelta(days=92)


class SlotQuery(Members):
    after = MomentField(required=False, help_text="From when; now, if it is not said.")
    before = MomentField(required=False, help_text="Until when; as far as can be booked, if it is not said.")
    minutes = serializers.IntegerField(
        min_value=1, max_value=60 * 24 * 31, default=30, help_text="Only what is free for at least so long."
    )


class OpeningShape(Shape):
    device = serializers.UUIDField()
    index = serializers.IntegerField()
    model = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()

    example: ClassVar = {
        "device": "019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10",
        "index": 0,
        "model": "H100 SXM5",
        "start": "2026-11-24T14:00:00Z",
        "end": "2026-11-25T08:00:00Z",
    }


class NodeSlotsApi(ApiView):
    """When each device of a node is free, within what can be booked."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": SlotQuery}
    answers: ClassVar = {"GET": [OpeningShape]}

    def get(self, request: Request, slug: str) -> Response:
        at = clock.now()
        node = get_object_or_404(Node.objects.listed().prefetch_related("devices"), slug=slug)
        start = max(at, self.query.get("after", at))
        end = min(at + _rules().horizon, self.query.get("before", at + _LONGEST))
        shortest = timedelta(minutes=self.query["minutes"])
        found = openings(devices=list(node.devices.all()), start=start, end=end, shortest=shortest)
        return Response({"items": [_opening(one) for one in found], "next": None})


class WeekQuery(Members):
    week = serializers.RegexField("^[0-9]{4}-W[0-9]{2}$", required=False, help_text="Such as 2026-W48.")
    site = serializers.SlugField(required=False)
    device = serializers.CharField(max_length=90, required=False, help_text="A model_key.")
    page = serializers.IntegerField(
        min_value=1, max_value=1_000_000, default=1, help_text="Whole nodes, some 64 devices a page."
    )


class CellShape(Shape):
    kind = serializers.ChoiceField(
        ["past", "free", "scant", "other", "own", "closure", "owner", "closed"],
        help_text="scant: free and too short to book; closed: not open yet, or without a published cost.",
    )
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    who = serializers.CharField(help_text="The public name of who holds it, or what it is.")
    url = serializers.CharField(help_text="The page of your own slot; else empty.")


class DeviceWeekShape(Shape):
    uid = serializers.UUIDField()
    name = serializers.CharField()
    cells = CellShape(many=True)


class NodeWeekShape(Shape):
    slug = serializers.SlugField()
    name = serializers.CharField()
    place = serializers.CharField()
    price = serializers.CharField(allow_null=True, help_text="EUR per device-hour, fee included.")
    has_agent = serializers.BooleanField(help_text="Whether jobs can run there now.")
    devices = DeviceWeekShape(many=True)


class TimetableShape(Shape):
    week = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    time_zone = serializers.CharField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    nodes = NodeWeekShape(many=True)

    example: ClassVar = {
        "week": "2026-W48",
        "start": "2026-11-22T23:00:00Z",
        "end": "2026-11-29T23:00:00Z",
        "time_zone": "Europe/Paris",
        "page": 1,
        "pages": 1,
        "nodes": [
            {
                "slug": "gemini-1", "name": "Gemini 1", "place": "Lyon, France", "price": "1.678",
                "has_agent": True,
                "devices": [
                    {
                        "uid": "019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10", "name": "H100 SXM5, 0",
                        "cells": [
                            {"kind": "free", "start": "2026-11-22T23:00:00Z", "end": "2026-11-29T23:00:00Z",
                             "who": "Free", "url": ""}
                        ],
                    }
                ],
            }
        ],
    }  # fmt: skip


class TimetableApi(ApiView):
    """One week of every listed device, as the booking page shows it."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": WeekQuery}
    answers: ClassVar = {"GET": TimetableShape}

    def get(self, request: Request) -> Response:
        at, zone = clock.now(), ZoneInfo(timezone.get_current_timezone_name())
        frame = Frame.named(self.query["week"], zone) if "week" in self.query else Frame.of_moment(at, zone)
        if frame is None:
            raise ParametersInvalid({"week": [_("There is no such week.")]})
        # A token that may not read says nothing of whose it is.
        token: Any = request.auth
        may_read = token is None or scopes.READ in token.scopes
        own = Project.objects.of(request.user) if may_read else Project.objects.none()
        mine = list(with_horizon(own, at=at))
        found = week(
            frame=frame, at=at, horizon=at + horizon_of(mine, rules=_rules()),
            own={one.pk: one.name for one in mine},
            site=self.query.get("site", ""), model=self.query.get("device", ""), page=self.query["page"],
        )  # fmt: skip
        return Response(_timetable(found, zone))


def _rules() -> Rules:
    """Until a policy is published the timetable is drawn under the defaults; booking is refused."""
    try:
        return policies.in_force(clock.now())[1]
    except NoPolicy:
        return Rules()


def _opening(one: Opening) -> dict[str, Any]:
    return {
        "device": str(one.device.uid),
        "index": one.device.index,
        "model": one.device.model,
        "start": moment(one.start),
        "end": moment(one.end),
    }


def _timetable(found: Timetable, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "week": found.frame.name,
        "start": moment(found.frame.start),
        "end": moment(found.frame.end),
        "time_zone": zone.key,
        "page": found.page,
        "pages": found.pages,
        "nodes": [_node(node, found.frame) for node in found.nodes],
    }


def _node(node: NodeRows, frame: Frame) -> dict[str, Any]:
    return {
        "slug": node.slug,
        "name": node.name,
        "place": node.place,
        "price": None if node.price is None else plain(node.price),
        "has_agent": node.has_agent,
        "devices": [_device(row, frame) for row in node.rows],
    }


def _device(row: DeviceRow, frame: Frame) -> dict[str, Any]:
    return {"uid": row.uid, "name": row.name, "cells": [_cell(cell, frame) for cell in row.cells]}


def _cell(cell: Cell, frame: Frame) -> dict[str, Any]:
    return {
        "kind": cell.kind,
        "start": moment(frame.moment(cell.first)),
        "end": moment(frame.moment(cell.last)),
        "who": cell.who,
        "url": cell.url,
    }
