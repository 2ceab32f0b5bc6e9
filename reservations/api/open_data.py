"""The catalogue of open data for programs. The rows themselves are files, at the addresses that it names."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import clock
from common.access import ANYONE
from common.api.shapes import Shape
from common.api.view import ApiView
from reservations.selectors.catalogue import catalogue_json


class LicenceShape(Shape):
    name = serializers.CharField(help_text="As opendefinition.org names it.")
    title = serializers.CharField()
    url = serializers.CharField()


class DatasetShape(Shape):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    licence = LicenceShape()
    rows = serializers.IntegerField()
    changed_at = serializers.DateTimeField(allow_null=True, help_text="When its rows last changed.")
    csv_bytes_about = serializers.IntegerField(help_text="About how large the CSV is.")
    page = serializers.CharField()
    csv = serializers.CharField()
    json = serializers.CharField(help_text="One array.")
    json_lines = serializers.CharField(help_text="An object a line.")
    schema = serializers.CharField(help_text="Table Schema.")


class OpenDataShape(Shape):
    counted_at = serializers.DateTimeField(help_text="Rows are counted once a minute where there are many.")
    package = serializers.CharField(help_text="A Frictionless Data Package of all datasets.")
    archive = serializers.CharField(help_text="The same with its files, all of one moment.")
    datasets = DatasetShape(many=True)

    example: ClassVar = {
        "counted_at": "2026-11-22T18:03:11.120000Z",
        "package": "/open-data/datapackage.json",
        "archive": "/open-data/datapackage.zip",
        "datasets": [
            {
                "name": "tariffs",
                "title": "Tariffs",
                "description": "The price of a device-hour on each node, from when until when.",
                "licence": {
                    "name": "CC-BY-4.0",
                    "title": "Creative Commons Attribution 4.0",
                    "url": "https://creativecommons.org/licenses/by/4.0/",
                },
                "rows": 41,
                "changed_at": "2026-11-20T08:00:00Z",
                "csv_bytes_about": 15230,
                "page": "/open-data/tariffs/",
                "csv": "/open-data/tariffs.csv",
                "json": "/open-data/tariffs.json",
                "json_lines": "/open-data/tariffs.jsonl",
                "schema": "/open-data/tariffs/schema.json",
            }
        ],
    }


class OpenDataApi(ApiView):
    """Every dataset with its licence, rows, last change and addresses: the same as /open-data/."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": OpenDataShape}

    def get(self, request: Request) -> Response:
        return Response(catalogue_json(at=clock.now()))
