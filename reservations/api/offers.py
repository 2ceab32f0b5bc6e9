"""Saying what one needs, for programs: the slots that answer it, as the booking page ranks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Project
from common import clock
from common.api.bodies import Members
from common.api.shapes import MomentField, Shape, moment
from reservations.domain.needs import Need, Order, Priced
from reservations.forms.needs import A_QUARTER, GIB, MOST_DEVICES, MOST_HOURS, TIME_IS_PAST, WRITE_HOURS
from reservations.selectors.needs import Answers
from reservations.services import finding

_MOST = 40  # that are told
_GRAIN = Decimal("0.01")


class NeedMembers(Members):
    project = serializers.SlugField(help_text="The project’s short name.")
    devices = serializers.IntegerField(
        min_value=1, max_value=MOST_DEVICES, help_text="Together, on one node."
    )
    hours = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=A_QUARTER,
        max_value=Decimal(MOST_HOURS),
        help_text="In quarters.",
    )
    model = serializers.SlugField(
        required=False, default="", help_text="As /api/v1/nodes lists it; without one any accelerator."
    )
    memory_gib = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=9999, help_text="On each device, at least."
    )
    not_before = MomentField(required=False, default=None, allow_null=True)
    done_by = MomentField(required=False, default=None, allow_null=True)
    at_most = serializers.DecimalField(
        required=False, default=None, allow_null=True, max_digits=12, decimal_places=6, min_value=Decimal(0),
        help_text="EUR in all.",
    )  # fmt: skip
    order = serializers.ChoiceField([one.value for one in Order], default=Order.FINISH.value)

    def validate_hours(self, value: Decimal) -> Decimal:
        if value % A_QUARTER:
            raise serializers.ValidationError(str(WRITE_HOURS))
        return value

    example: ClassVar = {
        "project": "protein-shapes", "devices": 2, "hours": "6", "model": "h100-sxm5-80gb",
        "done_by": "2026-11-27T17:00:00Z", "at_most": "25.00", "order": "finish",
    }  # fmt: skip


class FoundSlotShape(Shape):
    node = serializers.SlugField()
    model = serializers.CharField()
    devices = serializers.ListField(child=serializers.UUIDField())
    start = serializers.DateTimeField()
    is_now = serializers.BooleanField(help_text="It begins at once: book it with the word now.")
    end = serializers.DateTimeField()
    total = serializers.CharField(help_text="EUR, the site’s fee included.")
    carbon_grams = serializers.CharField(
        allow_null=True, help_text="CO2e expected of the slot, running and making; null: not known."
    )
    carbon_running_grams = serializers.CharField(allow_null=True, help_text="Of the grid alone.")
    carbon_is_estimated = serializers.BooleanField(help_text="In some hour at least.")
    level_after = serializers.CharField(allow_null=True, help_text="null: nothing used yet.")
    runs_jobs = serializers.BooleanField(help_text="Jobs can run there now; what cannot stands last.")
    reasons = serializers.ListField(
        child=serializers.CharField(),
        help_text="Why it does not answer the need: too_late, too_dear, or rules that refuse it.",
    )


_OFFER: dict[str, Any] = {
    "node": "gemini-1", "model": "H100 SXM5", "devices": ["019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10"],
    "start": "2026-11-24T14:00:00Z", "is_now": False, "end": "2026-11-24T20:00:00Z", "total": "16.777900",
    "carbon_grams": "648.21", "carbon_running_grams": "402.15", "carbon_is_estimated": False,
    "level_after": "1.302114", "runs_jobs": True, "reasons": [],
}  # fmt: skip


class FoundSlotsShape(Shape):
    level = serializers.CharField(allow_null=True, help_text="Of the project now; null: nothing used yet.")
    count = serializers.IntegerField(help_text="Slots that answer the need, of those that were tried.")
    offers = FoundSlotShape(many=True, help_text="The best of them, in the order that is wanted.")
    others = FoundSlotShape(many=True, help_text="Free as well; each says why it does not answer the need.")
    nodes = serializers.IntegerField(help_text="That were looked at.")
    are_all = serializers.BooleanField(help_text="No node was left out: else the cheapest were looked at.")

    example: ClassVar = {
        "level": "1.310442", "count": 41, "offers": [_OFFER], "others": [], "nodes": 3, "are_all": True,
    }  # fmt: skip


class OffersApi(PersonalApiView):
    """Slots that answer a need, each asked of every rule. Nothing is stored or held."""

    access: ClassVar = {"POST": SIGNED_IN}
    scopes: ClassVar = {"POST": scopes.READ}
    bodies: ClassVar = {"POST": NeedMembers}
    answers: ClassVar = {"POST": FoundSlotsShape}
    refusals: ClassVar = {"POST": {"not_found": 404}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request) -> Response:
        asked, at = self.body, clock.now()
        if asked["done_by"] is not None and asked["done_by"] <= at:
            raise serializers.ValidationError({"done_by": [str(TIME_IS_PAST)]})
        project = get_object_or_404(Project.objects.of(request.user), slug=asked["project"])
        need = Need(
            devices=asked["devices"], length=timedelta(minutes=int(asked["hours"] * 60)),
            model=asked["model"], memory_bytes=asked["memory_gib"] * GIB,
            not_before=asked["not_before"], done_by=asked["done_by"],
            at_most=asked["at_most"], order=Order(asked["order"]),
        )  # fmt: skip
        answers = finding.find(need=need, project=project, asked_by=self.person, at=at)
        return Response(_told(answers))


def _told(answers: Answers) -> dict[str, Any]:
    found = answers.sorted
    others: list[dict[str, Any]] = []
    for named, group in (("too_late", found.too_late), ("too_dear", found.too_dear), ("", found.refused)):
        others += _offers(group, answers, [named] if named else [])
    return {
        "level": _text(answers.level),
        "count": len(found.fitting),
        "offers": [*_offers(found.fitting, answers, [])],
        "others": others[:_MOST],
        "nodes": len({place.group.node for place in answers.places}),
        "are_all": answers.are_all,
    }


def _offers(group: Sequence[Priced], answers: Answers, reasons: list[str]) -> Iterator[dict[str, Any]]:
    for one in group[:_MOST]:
        tried, place = one.tried, answers.places[one.tried.place].group
        carbon = answers.carbon[tried]
        yield {
            "node": place.node,
            "model": place.model,
            "devices": list(tried.devices),
            "start": moment(tried.start),
            "is_now": tried.start == answers.at,
            "end": moment(tried.end),
            "total": str(one.total),
            "carbon_grams": _text(carbon.grams.quantize(_GRAIN) if carbon else None),
            "carbon_running_grams": _text(carbon.operational.quantize(_GRAIN) if carbon else None),
            "carbon_is_estimated": carbon is not None and carbon.is_estimated,
            "level_after": _text(one.level_after),
            "runs_jobs": tried.runs_jobs,
            "reasons": [*reasons, *one.refused],
        }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")
