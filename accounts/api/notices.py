"""What somebody was told, and what they want mailed."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import NOTICE_READER, SIGNED_IN
from accounts.domain import scopes
from accounts.domain.notices import KINDS
from accounts.endpoints import PersonalApiView
from accounts.models import Notice
from accounts.selectors import notices as selectors
from accounts.services import notices, unsubscribing
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment


class NoticeQuery(ListQuery):
    unread = serializers.BooleanField(default=False, help_text="Only those that you have not read.")


class NoticeShape(Shape):
    uid = serializers.UUIDField()
    kind = serializers.ChoiceField(list(KINDS))
    title = serializers.CharField()
    body = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True, help_text="The page that it is about.")
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "uid": "019306d0-2e3f-7a4b-8c5d-6e7f8a9b0c1d",
        "kind": "job_ended",
        "title": "Run 1 on Gemini 1 ended",
        "body": "The job ended by itself, exit code 0, after 3 h 18 min.",
        "url": "/reservations/019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa/",
        "created_at": "2026-11-24T17:18:05Z",
        "read_at": None,
    }


class ReadShape(Shape):
    read = serializers.IntegerField(help_text="How many were unread until now.")

    example: ClassVar = {"read": 3}


class PreferencesShape(Shape):
    by_mail = serializers.DictField(child=serializers.BooleanField(), help_text="By kind.")

    example: ClassVar = {"by_mail": {"job_ended": True, "slot_starting": False}}


class PreferencesMembers(Members):
    by_mail = serializers.DictField(child=serializers.BooleanField(), help_text="By kind; others stay.")

    example: ClassVar = {"by_mail": {"job_ended": False}}


class NoticesApi(PersonalApiView):
    """What you were told, newest first."""

    access: ClassVar = {"GET": SIGNED_IN}
    scopes: ClassVar = {"GET": scopes.NOTICES}
    queries: ClassVar = {"GET": NoticeQuery}
    answers: ClassVar = {"GET": [NoticeShape]}

    def get(self, request: Request) -> Response:
        mine = Notice.objects.of(self.person)
        page = page_of_rows(request, self.query, mine.unread() if self.query["unread"] else mine, _shown)
        return Response(page.data, headers=page.headers)


class NoticeReadApi(PersonalApiView):
    """Mark one as read."""

    access: ClassVar = {"POST": NOTICE_READER}
    scopes: ClassVar = {"POST": scopes.NOTICES}
    answers: ClassVar = {"POST": NoticeShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, notice: Notice) -> Response:
        notices.mark_read(notice=notice, at=clock.now())
        notice.refresh_from_db()
        return Response(_shown(notice))


class NoticesReadApi(PersonalApiView):
    """Mark all as read."""

    access: ClassVar = {"POST": SIGNED_IN}
    scopes: ClassVar = {"POST": scopes.NOTICES}
    answers: ClassVar = {"POST": ReadShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request) -> Response:
        return Response({"read": notices.mark_all_read(user=self.person, at=clock.now())})


class PreferencesApi(PersonalApiView):
    """What is mailed to you, by kind."""

    access: ClassVar = {"GET": SIGNED_IN, "PATCH": SIGNED_IN}
    scopes: ClassVar = {"GET": scopes.NOTICES, "PATCH": scopes.NOTICES}
    bodies: ClassVar = {"PATCH": PreferencesMembers}
    answers: ClassVar = {"GET": PreferencesShape, "PATCH": PreferencesShape}

    def get(self, request: Request) -> Response:
        return Response(self._present())

    def patch(self, request: Request) -> Response:
        """Change those that are named."""
        present: dict[str, bool] = self._present()["by_mail"]
        wanted = self.body.get("by_mail", {})
        if unknown := [kind for kind in wanted if kind not in present]:
            fault = f"{', '.join(present)}."
            raise serializers.ValidationError({"by_mail": {name: [fault] for name in unknown[:20]}})
        unsubscribing.set_preferences(user=self.person, by_mail={**present, **wanted})
        return Response(self._present())

    def _present(self) -> dict[str, Any]:
        groups = selectors.choices(user=self.person)
        return {"by_mail": {kind.kind: kind.by_mail for group in groups for kind in group.kinds}}


def _shown(notice: Notice) -> dict[str, Any]:
    line = selectors.line_of(notice)
    return {
        "uid": str(notice.uid),
        "kind": notice.kind,
        "title": line.title,
        "body": line.body,
        "url": line.url,
        "created_at": moment(notice.created_at),
        "read_at": moment(notice.read_at),
    }
