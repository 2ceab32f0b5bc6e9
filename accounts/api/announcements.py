"""What stewards tell everybody now."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE
from accounts.models import Announcement
from accounts.selectors.announcements import shown
from common import clock
from common.api.shapes import Shape, moment
from common.api.view import ApiView
from common.ids import global_id


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


class AnnouncementsApi(ApiView):
    """What stands at the top of every page now."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": AnnouncementsShape}

    def get(self, request: Request) -> Response:
        return Response(
            {
                "items": [
                    {
                        "id": global_id(one.uid),
                        "uid": str(one.uid),
                        "level": one.level,
                        "text": one.text,
                        "texts": {"en": one.text_en, "fr": one.text_fr},
                        "since": moment(one.since),
                        "until": moment(one.until),
                    }
                    for one in shown(clock.now())
                ]
            }
        )
