"""Nodes with their devices and the price in force: where a program that wants to book begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import clock
from common.access import ANYONE
from common.api.lists import ListQuery, Page, page_of_rows
from common.api.shapes import Shape
from common.api.view import ApiView
from common.ids import global_id
from nodes.models import Device, Node
from pricing.domain.declared import plain
from pricing.selectors import Rate, rates


class NodeQuery(ListQuery):
    device = serializers.CharField(
        max_length=90, required=False, help_text="Only nodes with this kind of device: a model_key."
    )
    country = serializers.RegexField("^[A-Z]{2}$", required=False, help_text="ISO 3166-1, such as FR.")
    site = serializers.SlugField(required=False)
    owner = serializers.SlugField(required=False, help_text="The short name of an organisation.")


class SiteShape(Shape):
    slug = serializers.SlugField()
    name = serializers.CharField()
    country = serializers.CharField()
    electricity_zone = serializers.CharField()
    time_zone = serializers.CharField()
    pue = serializers.CharField()


class OwnerShape(Shape):
    slug = serializers.SlugField()
    name = serializers.CharField()
    is_public_body = serializers.BooleanField()


class DeviceShape(Shape):
    uid = serializers.UUIDField(help_text="What a booking asks for.")
    index = serializers.IntegerField()
    kind = serializers.ChoiceField(Device.Kind.values)
    model = serializers.CharField()
    model_key = serializers.SlugField()
    memory_bytes = serializers.IntegerField()


class PriceShape(Shape):
    price = serializers.CharField(help_text="EUR per device-hour, before VAT.")
    fee = serializers.CharField(help_text="The site’s.")
    to_pay = serializers.CharField()
    full_delivered = serializers.CharField(help_text="What the hour costs its owner, all counted.")
    chargeable_delivered = serializers.CharField(help_text="Without what public grants paid.")


class NodeShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    slug = serializers.SlugField()
    name = serializers.CharField()
    url = serializers.CharField()
    owner = OwnerShape()
    site = SiteShape()
    runner = serializers.ChoiceField(Node.Runner.values)
    cpu_model = serializers.CharField()
    cpu_cores = serializers.IntegerField()
    memory_bytes = serializers.IntegerField()
    devices = DeviceShape(many=True)
    price = PriceShape(allow_null=True, help_text="Null without published cost: then nothing can be booked.")
    currency = serializers.CharField()

    example: ClassVar = {
        "id": "https://equinode.example/0193069f-10aa-7c3e-9d2b-1a2b3c4d5e6f",
        "uid": "0193069f-10aa-7c3e-9d2b-1a2b3c4d5e6f",
        "slug": "gemini-1",
        "name": "Gemini 1",
        "url": "/nodes/gemini-1/",
        "owner": {"slug": "lab-lyon", "name": "Lab Lyon", "is_public_body": True},
        "site": {
            "slug": "lyon", "name": "Lyon", "country": "FR", "electricity_zone": "FR",
            "time_zone": "Europe/Paris", "pue": "1.25",
        },
        "runner": "bubblewrap",
        "cpu_model": "EPYC 9334",
        "cpu_cores": 64,
        "memory_bytes": 549755813888,
        "devices": [
            {"uid": "019306a0-77aa-7b1f-9d0a-0f5b0a0a7d10", "index": 0, "kind": "gpu", "model": "H100 SXM5",
             "model_key": "h100-sxm5-80", "memory_bytes": 85899345920},
        ],
        "price": {
            "price": "1.630000", "fee": "0.048000", "to_pay": "1.678000", "full_delivered": "2.541200",
            "chargeable_delivered": "1.630000",
        },
        "currency": "EUR",
    }  # fmt: skip


class NodesApi(ApiView):
    """Listed nodes, by name."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": NodeQuery}
    answers: ClassVar = {"GET": [NodeShape]}

    def get(self, request: Request) -> Response:
        columns = {
            "country": "site__country",
            "site": "site__slug",
            "owner": "owner__slug",
            "device": "devices__model_key",
        }
        wanted = {column: self.query[name] for name, column in columns.items() if name in self.query}
        # By key and not by join, or a node with eight such devices would come eight times.
        nodes = _listed().filter(pk__in=Node.objects.filter(**wanted).values("pk")) if wanted else _listed()
        page = page_of_rows(request, self.query, nodes, lambda node: {"node": node}, order=("name", "pk"))
        shown = Page(_shown([row["node"] for row in page.items]), page.next)
        return Response(shown.data, headers=shown.headers)


class NodeApi(ApiView):
    """One node. All that was ever published of it is in /nodes/<slug>.json."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": NodeShape}

    def get(self, request: Request, slug: str) -> Response:
        return Response(_shown([get_object_or_404(_related(Node.objects.on_site()), slug=slug)])[0])


def _listed() -> QuerySet[Node]:
    return _related(Node.objects.listed())


def _related(nodes: QuerySet[Node]) -> QuerySet[Node]:
    return nodes.select_related("owner", "site").prefetch_related("devices")


def _shown(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Three queries, however many they are."""
    firsts = [device.pk for node in nodes for device in list(node.devices.all())[:1]]
    prices = {rate.node_id: rate for rate in rates(device_ids=firsts, at=clock.now()).values()}
    return [_node(node, prices) for node in nodes]


def _node(node: Node, prices: Mapping[int, Rate]) -> dict[str, Any]:
    return {
        "id": global_id(node.uid),
        "uid": str(node.uid),
        "slug": node.slug,
        "name": node.name,
        "url": node.get_absolute_url(),
        "owner": {
            "slug": node.owner.slug,
            "name": node.owner.name,
            "is_public_body": node.owner.is_public_body,
        },
        "site": {
            **{name: getattr(node.site, name) for name in ("slug", "name", "country")},
            "electricity_zone": node.site.electricity_zone,
            "time_zone": node.site.time_zone,
            "pue": plain(node.site.pue),
        },
        "runner": node.runner,
        "cpu_model": node.cpu_model,
        "cpu_cores": node.cpu_cores,
        "memory_bytes": node.memory_bytes,
        "devices": [_device(device) for device in node.devices.all()],
        "price": _price(prices.get(node.pk)),
        "currency": "EUR",
    }


def _device(device: Device) -> dict[str, Any]:
    return {
        "uid": str(device.uid),
        "index": device.index,
        "kind": device.kind,
        "model": device.model,
        "model_key": device.model_key,
        "memory_bytes": device.memory_bytes,
    }


def _price(rate: Rate | None) -> dict[str, Any] | None:
    names = ("price", "fee", "to_pay", "full_delivered", "chargeable_delivered")
    return {name: plain(getattr(rate, name)) for name in names} if rate else None
