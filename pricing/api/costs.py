"""What an hour on one node costs, for other programs: as of now, or as it stood."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.shapes import Shape
from common.api.view import ApiView
from pricing.domain import as_of
from pricing.selectors.costs import costs_page
from pricing.selectors.costs.data import costs_json
from pricing.wording.as_of import unreadable


class AsOfField(serializers.CharField):
    """A day or a moment of the past, read as every page of figures reads it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            help_text="A day (its end, UTC) or a moment with its zone; what was published later is left out.",
            **options,
        )

    def to_internal_value(self, data: Any) -> Any:
        now = clock.now()
        try:
            return as_of.moment(super().to_internal_value(data), now=now)
        except as_of.AsOfUnreadable as refused:
            raise serializers.ValidationError(unreadable(refused.why, now=now)) from refused


class CostsQuery(Members):
    as_of = AsOfField(required=False)


class TermShape(Shape):
    formula = serializers.CharField(help_text="Written out in the language that was asked for.")
    year = serializers.CharField()


class WorkedLineShape(Shape):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    year = serializers.CharField(help_text="EUR a year for the whole node, to the cent.")
    hour = serializers.CharField(help_text="EUR per delivered device-hour.")
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    terms = TermShape(many=True)


class WorkedShape(Shape):
    hours = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    delivered_device_hours = serializers.CharField(help_text="A year.")
    components = WorkedLineShape(many=True)
    not_charged = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    sums = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class PublicSourceShape(Shape):
    name = serializers.CharField()
    hour = serializers.CharField()
    share_of_hour = serializers.CharField()


class PublicMoneyShape(Shape):
    hour = serializers.CharField(help_text="EUR of a delivered device-hour that public money carries.")
    share_of_hour = serializers.CharField(help_text="Of the full cost.")
    share_of_purchase = serializers.CharField()
    sources = PublicSourceShape(many=True)


class ChangeShape(Shape):
    from_statement = serializers.IntegerField()
    to_statement = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    published_at = serializers.DateTimeField()
    corrects = serializers.IntegerField(allow_null=True, help_text="The number of a statement.")
    reason = serializers.CharField(allow_null=True)
    ledger_entry = serializers.DictField()
    rows = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class HourOfDayShape(Shape):
    hour = serializers.IntegerField(help_text="On the clock of the place, 0 to 23.")
    cost = serializers.CharField(allow_null=True, help_text="EUR of electricity per device-hour in use.")
    operational = serializers.CharField(allow_null=True, help_text="gCO2e per device-hour in use.")
    embodied = serializers.CharField(allow_null=True)
    carbon = serializers.CharField(allow_null=True)
    known_prices = serializers.IntegerField()
    known_intensities = serializers.IntegerField()


class ByHourShape(Shape):
    zone = serializers.CharField()
    time_zone = serializers.CharField()
    unit_of_cost = serializers.CharField()
    unit_of_carbon = serializers.CharField()
    kilowatts = serializers.CharField()
    pue = serializers.CharField()
    devices = serializers.IntegerField()
    price = serializers.DictField(allow_null=True, help_text="The hours that were looked at; null: none.")
    intensity = serializers.DictField(allow_null=True)
    intensity_stand_in = serializers.DictField(
        allow_null=True, help_text="The country’s mean of a year, where no hour of the zone is known."
    )
    embodied = serializers.DictField(allow_null=True)
    rows = HourOfDayShape(many=True)


class NodeCostsShape(Shape):
    at = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="What was asked for; null: now.")
    unit = serializers.CharField()
    currency = serializers.CharField()
    tax = serializers.CharField()
    node = serializers.DictField()
    devices = serializers.ListField(child=serializers.DictField())
    price = serializers.CharField(allow_null=True)
    fee = serializers.CharField()
    to_pay = serializers.CharField(allow_null=True)
    cap = serializers.DictField(allow_null=True)
    in_words = serializers.ListField(child=serializers.CharField())
    waterfall = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    worked = WorkedShape(allow_null=True)
    public_money = PublicMoneyShape(allow_null=True)
    changes = ChangeShape(many=True)
    statements = serializers.ListField(child=serializers.DictField())
    tariffs = serializers.ListField(child=serializers.DictField())
    withdrawals = serializers.ListField(child=serializers.DictField())
    evidence = serializers.ListField(child=serializers.DictField())
    shared_costs = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    by_hour_of_day = ByHourShape(allow_null=True)
    flags = serializers.ListField(
        child=serializers.DictField(),
        allow_null=True,
        help_text="Unusual figures, among nodes that are listed now; null as of another moment.",
    )
    citation = serializers.CharField(allow_null=True)
    address = serializers.CharField(help_text="The page, as of this moment: the same for good.")


class NodeCostsApi(ApiView):
    """Waterfall, formulas, changes, evidence, hours of the day: the same figures as the node's costs page."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": CostsQuery}
    answers: ClassVar = {"GET": NodeCostsShape}

    def get(self, request: Request, slug: str) -> Response:
        page = costs_page(slug=slug, now=clock.now(), asked=self.query.get("as_of"), reader=request.user)
        if page is None:
            raise Http404
        return Response(costs_json(page))
