"""Electricity for other programs: a zone's hours, and the imports that they came with."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.api.bodies import Members
from common.api.errors import ParametersInvalid
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.api.view import ApiView
from common.ids import global_id
from common.lines import require_one_line
from pricing.forms.hourly import MOST_DAYS_OF_FILE, PeriodForm
from pricing.models import HourlyImport, HourlySeries
from pricing.selectors import hourly_data
from pricing.selectors.hourly_page import zone_page
from pricing.services.hourly import import_file

_MOST_UNPACKED = 64_000_000


class PeriodQuery(Members):
    first = serializers.DateField(
        required=False, help_text="The first day, of UTC. Else the last seven known."
    )
    last = serializers.DateField(required=False, help_text="The last day; 366 days at most.")
    as_of = serializers.DateField(
        required=False, help_text="As the figures were known at the end of that day."
    )


class SourceShape(Shape):
    source = serializers.CharField()  # type: ignore[assignment]
    licence = serializers.CharField(allow_blank=True)
    file = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(allow_blank=True, help_text="Of the file’s bytes.")
    imported_at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(
        allow_null=True, help_text="Its index; null for the seconds until it has one."
    )


class CoverageShape(Shape):
    hours = serializers.IntegerField()
    reported = serializers.IntegerField()
    estimated = serializers.IntegerField(
        help_text="By the source, by the rule for missing hours, or by a year."
    )
    missing = serializers.IntegerField()
    reported_share = serializers.CharField(help_text="A ratio: 0.93 is 93 %.")


class StandInShape(Shape):
    country = serializers.CharField()
    year = serializers.IntegerField()
    value = serializers.CharField()
    origin = SourceShape()


class HourShape(Shape):
    hour = serializers.DateTimeField(help_text="Its beginning.")
    value = serializers.CharField(allow_null=True)
    basis = serializers.ChoiceField(
        ["reported", "estimated", "line", "week", "month", "yearly"],
        allow_null=True,
        help_text="How the value came about: docs/hourly-inputs.md. All but “reported” are estimates.",
    )


class SeriesShape(Shape):
    unit = serializers.CharField()
    mean = serializers.CharField(allow_null=True, help_text="Of the hours that have a value.")
    coverage = CoverageShape()
    sources = SourceShape(many=True)
    stand_ins = StandInShape(many=True)
    hours = HourShape(many=True)


class AllSeriesShape(Shape):
    day_ahead = SeriesShape()
    lifecycle = SeriesShape()
    direct = SeriesShape()


_SOURCE = {
    "source": "RTE éCO2mix",
    "licence": "Licence Ouverte 2.0",
    "file": "day_ahead_2023.csv.gz",
    "sha256": "714d26b49bee1a00fca61eec4537ae5c3fa4f996a96c330abfd8916c695f7115",
    "imported_at": "2026-11-22T18:03:11Z",
    "ledger_entry": 211,
}
_NOTHING = {
    "unit": "gCO2e/kWh",
    "mean": None,
    "coverage": {"hours": 1, "reported": 0, "estimated": 0, "missing": 1, "reported_share": "0"},
    "sources": [],
    "stand_ins": [],
    "hours": [{"hour": "2023-10-01T00:00:00Z", "value": None, "basis": None}],
}


class HourlyShape(Shape):
    zone = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True)
    series = AllSeriesShape()

    example: ClassVar = {
        "zone": "FR",
        "since": "2023-10-01T00:00:00Z",
        "until": "2023-10-01T01:00:00Z",
        "as_of": None,
        "series": {
            "day_ahead": {
                "unit": "EUR/MWh",
                "mean": "88.6",
                "coverage": {
                    "hours": 1, "reported": 1, "estimated": 0, "missing": 0, "reported_share": "1",
                },
                "sources": [_SOURCE],
                "stand_ins": [],
                "hours": [{"hour": "2023-10-01T00:00:00Z", "value": "88.6", "basis": "reported"}],
            },
            "lifecycle": _NOTHING,
            "direct": _NOTHING,
        },
    }  # fmt: skip


class ElectricityApi(ApiView):
    """A zone's hours: price and carbon intensity, each value with how it came about."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": PeriodQuery}
    answers: ClassVar = {"GET": HourlyShape}

    def get(self, request: Request, zone: str) -> Response:
        form = PeriodForm(request.query_params, most_days=MOST_DAYS_OF_FILE)
        if not form.is_valid():
            raise ParametersInvalid(
                {name: [str(fault) for fault in faults] for name, faults in form.errors.items()}
            )
        page = zone_page(zone=zone, at=clock.now(), **form.period)
        if page is None:
            raise Http404
        return Response(hourly_data.hourly_json(page.found))


class ImportShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    content = serializers.ChoiceField(HourlyImport.Content.values)
    source = serializers.CharField()  # type: ignore[assignment]
    licence = serializers.CharField(allow_blank=True)
    file = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(allow_blank=True, help_text="Of the file’s bytes.")
    values = serializers.IntegerField()
    missing = serializers.IntegerField(help_text="Hours from the file’s first to its last without a value.")
    doubtful = serializers.IntegerField(help_text="Values beyond what the market’s rules allow.")
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    first_hour = serializers.DateTimeField(allow_null=True)
    last_hour = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(
        allow_null=True, help_text="Its index; null for the seconds until it has one."
    )

    example: ClassVar = {
        "id": "https://equinode.example/019306a1-4b2f-7a11-9c44-0d2b9f6a1e02",
        "uid": "019306a1-4b2f-7a11-9c44-0d2b9f6a1e02",
        "content": "prices",
        "source": "RTE éCO2mix",
        "licence": "Licence Ouverte 2.0",
        "file": "day_ahead_2023.csv.gz",
        "sha256": "714d26b49bee1a00fca61eec4537ae5c3fa4f996a96c330abfd8916c695f7115",
        "values": 8758,
        "missing": 2,
        "doubtful": 0,
        "added": 8758,
        "changed": 0,
        "first_hour": "2023-01-01T00:00:00Z",
        "last_hour": "2023-12-31T23:00:00Z",
        "at": "2026-11-22T18:03:11Z",
        "ledger_entry": 211,
    }


class ImportedShape(Shape):
    values = serializers.IntegerField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    recorded = ImportShape(allow_null=True, help_text="Null where all values were known already.")

    example: ClassVar = {"values": 8758, "added": 8758, "changed": 0, "recorded": ImportShape.example}


class ImportMembers(Members):
    content = serializers.ChoiceField(HourlyImport.Content.values)
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=200, validators=[require_one_line]
    )
    licence = serializers.CharField(
        max_length=200, default="", allow_blank=True, validators=[require_one_line]
    )
    zone = serializers.CharField(
        max_length=20, default="", allow_blank=True, help_text="Refuse a file that holds another."
    )
    kind = serializers.ChoiceField(
        ["", *HourlySeries.Quantity.values[1:]],
        default="",
        help_text="Of columns that do not say it, such as FR_g_kwh.",
    )
    name = serializers.CharField(max_length=200, default="", allow_blank=True, validators=[require_one_line])
    file = serializers.CharField(help_text="CSV, or the XML of ENTSO-E; plain, .gz or .zip; in base64.")

    example: ClassVar = {
        "content": "prices",
        "source": "RTE éCO2mix",
        "name": "one_hour.csv",
        "file": "aG91cl91dGMsRlIKMjAyMy0xMC0wMVQwMDowMFosODguNjAK",
    }

    def validate_file(self, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise serializers.ValidationError(_("This is not base64."), code="not_base64") from exc


class ElectricityImportsApi(PersonalApiView):
    """Imports that changed something, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": ImportMembers}
    answers: ClassVar = {"GET": [ImportShape], "POST": ImportedShape}

    def get(self, request: Request) -> Response:
        page = page_of_rows(request, self.query, HourlyImport.objects.select_related("entry"), _shown)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Import a file of prices or intensities: all of it or nothing."""
        said = {**self.body, "file": BytesIO(self.body["file"])}
        done = import_file(**said, by=self.person, at=clock.now(), most_unpacked=_MOST_UNPACKED)
        body = {name: getattr(done, name) for name in ("values", "added", "changed")}
        return Response({**body, "recorded": _shown(done.record) if done.record else None})


def _shown(row: HourlyImport) -> dict[str, Any]:
    numbers = ("values", "missing", "doubtful", "added", "changed")
    return {
        "id": global_id(row.uid),
        "uid": str(row.uid),
        "content": row.content,
        "source": row.source,
        "licence": row.licence,
        "file": row.file_name,
        "sha256": row.sha256,
        **{name: getattr(row, name) for name in numbers},
        "first_hour": moment(row.first_hour) if row.first_hour else None,
        "last_hour": moment(row.last_hour) if row.last_hour else None,
        "at": moment(row.at),
        "ledger_entry": row.entry.index if row.entry else None,
    }
