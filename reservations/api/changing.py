"""Changing a slot that one has: what its pages do, for programs."""

from __future__ import annotations

from typing import ClassVar

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import User
from common import clock
from common.api.bodies import Members
from common.api.shapes import MomentField, Shape
from common.api.text import TextField
from nodes.models import Device
from reservations import wording
from reservations.access import NO_SHOW_PERSON, RESERVATION_KEEPER, RESERVATION_MEMBER
from reservations.api.bookings import MOST_DEVICES, described
from reservations.api.no_shows import NoShowShape, shown_no_show
from reservations.api.shapes import ReservationShape, RuleShape, StartField
from reservations.domain.decision import Answer
from reservations.errors import AppealRefused
from reservations.models import Reservation
from reservations.selectors import changing as selectors
from reservations.selectors.giving_back import rest_of
from reservations.services import changing, handing_over, no_shows, releasing
from reservations.services.no_shows import LONGEST_APPEAL

_DEVICE = "019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10"


class MoveMembers(Members):
    devices = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=MOST_DEVICES,
        help_text="All devices of the slot that you want instead.",
    )  # fmt: skip
    start = StartField(help_text="A 15-minute mark, or the word now.")
    end = MomentField(help_text="A 15-minute mark.")

    example: ClassVar = {
        "devices": [_DEVICE], "start": "2026-11-25T14:00:00Z", "end": "2026-11-25T18:00:00Z",
    }  # fmt: skip


class ExtendMembers(Members):
    end = MomentField(help_text="A 15-minute mark later than the slot’s end.")

    example: ClassVar = {"end": "2026-11-24T20:00:00Z"}


class ReleaseMembers(Members):
    when = serializers.ChoiceField(
        Reservation.ReleaseWhen.values, default=Reservation.ReleaseWhen.NOW,
        help_text="now: what runs is stopped. after_runs: once no job runs or waits any more.",
    )  # fmt: skip

    example: ClassVar = {"when": "now"}


class HandOverMembers(Members):
    to = serializers.UUIDField(help_text="The uid of another member of the project.")

    example: ClassVar = {"to": "019306a0-1f00-7c0c-8f66-7d8a3b1c9e21"}


class AppealMembers(Members):
    text = TextField(max_length=LONGEST_APPEAL, help_text="What happened. A steward reads it.")

    example: ClassVar = {"text": "I worked on the node’s console: its log of logins shows it."}


class RestShape(Shape):
    """Amounts in EUR as exact decimals, fee included."""

    kept_price = serializers.CharField(help_text="For the time until now: paid in any case.")
    rest_price = serializers.CharField(help_text="For the rest: paid as far as nobody else takes it.")
    rest_device_hours = serializers.CharField()
    most_refund_per_device_hour = serializers.CharField()
    settled_after = serializers.DateTimeField()
    running = serializers.IntegerField(help_text="Jobs on nodes.")
    waiting = serializers.IntegerField(help_text="Jobs that wait.")

    example: ClassVar = {
        "kept_price": "3.210000", "rest_price": "6.420000", "rest_device_hours": "5.333333",
        "most_refund_per_device_hour": "1.203750", "settled_after": "2026-11-24T18:00:00Z", "running": 1,
        "waiting": 0,
    }  # fmt: skip


class ChangeAnswerShape(Shape):
    is_granted = serializers.BooleanField()
    headline = serializers.CharField()
    rules = RuleShape(many=True)
    quote = serializers.DictField(allow_null=True, help_text="Line by line, and which grants pay.")
    level = serializers.DictField(
        allow_null=True, help_text="The project’s fair-share level before and after."
    )
    told = serializers.ListField(
        child=serializers.CharField(),
        help_text="What it means for the slot that you have: what giving it up costs, what jobs do.",
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
        "told": ["Until Mon 23 Nov, 14:00 the slot that you have is given up at no charge."],
    }  # fmt: skip


class MoveApi(PersonalApiView):
    """Give a slot up for another one, in one step."""

    access: ClassVar = {"POST": agreed(RESERVATION_KEEPER)}
    scopes: ClassVar = {"POST": scopes.BOOK}
    bodies: ClassVar = {"POST": MoveMembers}
    answers: ClassVar = {"POST": ReservationShape}
    refusals: ClassVar = {"POST": {"unknown_device": 404, "change_refused": 409, "cancel_refused": 409}}

    def post(self, request: Request, reservation: Reservation) -> Response:
        """The new slot, or a decision with the rules in the way; then nothing has changed."""
        moved = changing.move(reservation=reservation, by=self.person, at=clock.now(), **self.body)
        return _made(request, moved)


class MovePreviewApi(PersonalApiView):
    """What moving would be answered now. Nothing is stored or held."""

    access: ClassVar = {"POST": RESERVATION_KEEPER}
    scopes: ClassVar = {"POST": scopes.READ}
    bodies: ClassVar = {"POST": MoveMembers}
    answers: ClassVar = {"POST": ChangeAnswerShape}
    refusals: ClassVar = {"POST": {"unknown_device": 404, "change_refused": 409, "cancel_refused": 409}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, reservation: Reservation) -> Response:
        at = clock.now()
        answer = changing.preview_move(reservation=reservation, by=self.person, at=at, **self.body)
        devices = [*Device.objects.filter(uid__in=self.body["devices"])]
        told = [
            selectors.giving_up(reservation, at),
            *selectors.jobs_along(reservation, devices),
            *selectors.torn(reservation, devices, self.body["end"]),
        ]
        return _answered(answer, told)


class ExtendApi(PersonalApiView):
    """Book the same devices from the slot’s end on."""

    access: ClassVar = {"POST": agreed(RESERVATION_KEEPER)}
    scopes: ClassVar = {"POST": scopes.BOOK}
    bodies: ClassVar = {"POST": ExtendMembers}
    answers: ClassVar = {"POST": ReservationShape}
    refusals: ClassVar = {"POST": {"change_refused": 409}}

    def post(self, request: Request, reservation: Reservation) -> Response:
        """The slot of the added hours, or a decision with the rules in the way."""
        extended = changing.extend(reservation=reservation, by=self.person, at=clock.now(), **self.body)
        return _made(request, extended)


class ExtendPreviewApi(PersonalApiView):
    """What extending would be answered now. Nothing is stored or held."""

    access: ClassVar = {"POST": RESERVATION_KEEPER}
    scopes: ClassVar = {"POST": scopes.READ}
    bodies: ClassVar = {"POST": ExtendMembers}
    answers: ClassVar = {"POST": ChangeAnswerShape}
    refusals: ClassVar = {"POST": {"change_refused": 409}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, reservation: Reservation) -> Response:
        at = clock.now()
        answer = changing.preview_extension(reservation=reservation, by=self.person, at=at, **self.body)
        return _answered(answer, [*selectors.extending(reservation)])


class ReleaseApi(PersonalApiView):
    """Ending a running slot early."""

    access: ClassVar = {
        "GET": RESERVATION_KEEPER, "POST": RESERVATION_KEEPER, "DELETE": RESERVATION_KEEPER,
    }  # fmt: skip
    scopes: ClassVar = {"GET": scopes.READ, "POST": scopes.BOOK, "DELETE": scopes.BOOK}
    bodies: ClassVar = {"POST": ReleaseMembers}
    answers: ClassVar = {"GET": RestShape, "POST": ReservationShape, "DELETE": ReservationShape}
    refusals: ClassVar = {"POST": {"change_refused": 409}, "DELETE": {"change_refused": 409}}
    makes: ClassVar = {"POST": False}

    def get(self, request: Request, reservation: Reservation) -> Response:
        """What it would cost now."""
        rest = rest_of(reservation, at=clock.now())
        return Response(
            {
                "kept_price": str(rest.kept_price),
                "rest_price": str(rest.left_price),
                "rest_device_hours": str(rest.device_hours),
                "most_refund_per_device_hour": str(rest.per_hour),
                "settled_after": rest.ends,
                "running": rest.running,
                "waiting": rest.waiting,
            }
        )

    def post(self, request: Request, reservation: Reservation) -> Response:
        """Give the rest back: now, or once its jobs are over."""
        releasing.release(reservation=reservation, by=self.person, at=clock.now(), **self.body)
        return Response(described(request, reservation))

    def delete(self, request: Request, reservation: Reservation) -> Response:
        """Not release it after its jobs, as was asked for."""
        releasing.keep(reservation=reservation, by=self.person, at=clock.now())
        return Response(described(request, reservation))


class HandOverSlotApi(PersonalApiView):
    """Giving a slot to another member of its project."""

    access: ClassVar = {"POST": RESERVATION_KEEPER}
    scopes: ClassVar = {"POST": scopes.BOOK}
    bodies: ClassVar = {"POST": HandOverMembers}
    answers: ClassVar = {"POST": ReservationShape}
    refusals: ClassVar = {"POST": {"change_refused": 409, "not_found": 404}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, reservation: Reservation) -> Response:
        """Nothing is cancelled: devices, price and jobs stay. Both are told."""
        members = User.objects.filter(project_memberships__project=reservation.project_id)
        to = get_object_or_404(members, uid=self.body["to"])
        handing_over.hand_over(reservation=reservation, to=to, by=self.person, at=clock.now())
        return Response(described(request, reservation))


class CheckInApi(PersonalApiView):
    """Saying that a slot is in use without a job."""

    access: ClassVar = {"POST": RESERVATION_MEMBER}
    scopes: ClassVar = {"POST": scopes.BOOK}
    answers: ClassVar = {"POST": ReservationShape}
    refusals: ClassVar = {"POST": {"change_refused": 409}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, reservation: Reservation) -> Response:
        no_shows.check_in(reservation=reservation, by=self.person, at=clock.now())
        return Response(described(request, reservation))


class AppealApi(PersonalApiView):
    """Appealing to a steward against a no-show."""

    access: ClassVar = {"POST": NO_SHOW_PERSON}
    scopes: ClassVar = {"POST": scopes.BOOK}
    bodies: ClassVar = {"POST": AppealMembers}
    answers: ClassVar = {"POST": NoShowShape}
    refusals: ClassVar = {"POST": {"appeal_refused": 409}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, reservation: Reservation) -> Response:
        no_show = getattr(reservation, "no_show", None)
        if no_show is None:
            raise AppealRefused(_("Nothing is said against anybody here."))
        appealed = no_shows.appeal(no_show=no_show, by=self.person, at=clock.now(), **self.body)
        return Response(shown_no_show(appealed))


def _answered(answer: Answer, told: list[str]) -> Response:
    said = answer.to_json()
    return Response(
        {
            "is_granted": answer.is_granted,
            "headline": wording.headline(answer),
            "rules": wording.as_json(answer),
            "quote": said["quote"],
            "level": said["level"],
            "told": told,
        }
    )


def _made(request: Request, reservation: Reservation) -> Response:
    location = {"Location": f"/api/v1/reservations/{reservation.uid}"}
    return Response(described(request, reservation), status=201, headers=location)
