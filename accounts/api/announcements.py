"""What stewards tell everybody: now, to everybody; all of it, to stewards, who write and end it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Announcement
from accounts.selectors.announcements import Told, shown, told
from accounts.services import announcements
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape, moment
from common.ids import global_id
from common.lines import require_one_line


class AnnouncementShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    level = serializers.ChoiceField(Announcement.Level.choices)
    text = serializers.CharField(help_text="In the language of the answer.")
    texts = serializers.DictField(child=serializers.CharField(), help_text="By language: en, fr.")
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/01930600-5b2f-7a11-9c44-0d2b9f6a1e02",
        "uid": "01930600-5b2f-7a11-9c44-0d2b9f6a1e02",
        "level": "warning",
        "text": "No jobs start on Sunday between 02:00 and 04:00: the network is renewed.",
        "texts": {
            "en": "No jobs start on Sunday between 02:00 and 04:00: the network is renewed.",
            "fr": "Aucun job ne démarre dimanche entre 02:00 et 04:00\u202f: le réseau est renouvelé.",
        },
        "since": "2026-11-26T08:00:00Z",
        "until": "2026-11-29T03:00:00Z",
    }


class AnnouncementsShape(Shape):
    items = AnnouncementShape(many=True)

    example: ClassVar = {"items": [AnnouncementShape.example]}


class AnnouncementMembers(Members):
    text_en = serializers.CharField(max_length=500, validators=[require_one_line])
    text_fr = serializers.CharField(max_length=500, validators=[require_one_line])
    level = serializers.ChoiceField(Announcement.Level.values)
    since = MomentField()
    until = MomentField()

    example: ClassVar = {
        "text_en": "No jobs start on Sunday between 02:00 and 04:00: the network is renewed.",
        "text_fr": "Aucun job ne démarre dimanche entre 02:00 et 04:00\u202f: le réseau est renouvelé.",
        "level": "warning",
        "since": "2026-11-26T08:00:00Z",
        "until": "2026-11-29T03:00:00Z",
    }


class AnnouncementsApi(PersonalApiView):
    """What stands at the top of every page now."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": AnnouncementMembers}
    answers: ClassVar = {"GET": AnnouncementsShape, "POST": AnnouncementShape}

    def get(self, request: Request) -> Response:
        return Response({"items": [_shown(one) for one in shown(clock.now())]})

    def post(self, request: Request) -> Response:
        """Tell everybody something, in both languages, from one moment to another."""
        made = announcements.announce(by=self.person, at=clock.now(), **self.body)
        return Response(_shown(told(made)), status=201)


class EveryAnnouncementApi(PersonalApiView):
    """All announcements, to come and over too, newest first: for stewards."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [AnnouncementShape]}

    def get(self, request: Request) -> Response:
        rows = Announcement.objects.all()
        page = page_of_rows(request, self.query, rows, lambda row: _shown(told(row)))
        return Response(page.data, headers=page.headers)


class AnnouncementApi(PersonalApiView):
    """One announcement."""

    access: ClassVar = {"DELETE": STEWARD_ACTS}
    scopes: ClassVar = {"DELETE": scopes.STEWARD}
    answers: ClassVar = {"DELETE": None}

    def delete(self, request: Request, uid: UUID) -> Response:
        """Show it no longer; where its time has not come, it goes."""
        found = get_object_or_404(Announcement, uid=uid)
        announcements.end_now(announcement=found, by=self.person, at=clock.now())
        return Response(status=204)


def _shown(one: Told) -> dict[str, Any]:
    return {
        "id": global_id(one.uid),
        "uid": str(one.uid),
        "level": one.level,
        "text": one.text,
        "texts": {"en": one.text_en, "fr": one.text_fr},
        "since": moment(one.since),
        "until": moment(one.until),
    }
