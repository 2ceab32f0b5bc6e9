"""What a node is, for programs: everybody reads it; its owner's leads and stewards check and settle it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.shapes import Shape
from common.lines import require_one_line
from nodes.models import Node, NodeCheck, NodeInventory
from nodes.services import checking, comparing
from nodes.services.comparing import LONGEST_REASON
from pricing.access import NODE_SETTLER, judges
from pricing.selectors.conformance import conformance_page, shown_node
from pricing.selectors.conformance_data import conformance_json


class SettleMembers(Members):
    inventory = serializers.UUIDField(help_text="inventory.uid of the answer to GET.")
    settlement = serializers.ChoiceField(
        NodeInventory.Settlement.values,
        help_text="adopted: list the processor, cores and memory that were found. accepted: they may differ.",
    )
    reason = serializers.CharField(
        max_length=LONGEST_REASON, validators=[require_one_line],
        help_text="Public for good. Name no person.",
    )  # fmt: skip

    example: ClassVar = {
        "inventory": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e79", "settlement": "adopted",
        "reason": "A memory module was taken out for good.",
    }  # fmt: skip


class NodeNamedShape(Shape):
    id = serializers.URLField()
    slug = serializers.SlugField()
    name = serializers.CharField()


class DifferenceShape(Shape):
    code = serializers.CharField(help_text="docs/node-profile.md names them.")
    device = serializers.IntegerField(allow_null=True, help_text="Its index.")
    listed = serializers.JSONField(allow_null=True, help_text="A text or a whole number; sizes in bytes.")
    found = serializers.JSONField(allow_null=True)
    holds_back = serializers.BooleanField(help_text="Whether the node takes no new bookings for it.")
    sentence = serializers.CharField()


class InventoryShape(Shape):
    uid = serializers.UUIDField()
    state = serializers.ChoiceField(NodeInventory.State.values)
    told_at = serializers.DateTimeField()
    last_told_at = serializers.DateTimeField()
    sha256 = serializers.CharField(help_text="Of what the agent told.")
    differences = DifferenceShape(many=True)
    settlement = serializers.ChoiceField(NodeInventory.Settlement.values, allow_null=True)
    reason = serializers.CharField(allow_null=True)
    settled_by = serializers.ChoiceField(["owner", "steward"], allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class ListedAndFoundShape(Shape):
    name = serializers.CharField()
    listed = serializers.CharField()
    found = serializers.CharField(allow_null=True)


class RequirementShape(Shape):
    code = serializers.CharField()
    is_met = serializers.BooleanField()
    told = serializers.CharField(allow_blank=True)


class CheckShape(Shape):
    uid = serializers.UUIDField()
    purpose = serializers.ChoiceField(NodeCheck.Purpose.values)
    outcome = serializers.ChoiceField(NodeCheck.State.values)
    finished_at = serializers.DateTimeField(allow_null=True)
    requirements = RequirementShape(many=True)
    figures = serializers.JSONField(allow_null=True, help_text="GFLOP/s, GB/s and MB/s, with their methods.")
    deviations = serializers.JSONField(help_text="From the reference, by figure: 0.05 is 5 % above.")
    sha256 = serializers.CharField(allow_blank=True, help_text="Of the job’s report.")


class ConformanceShape(Shape):
    node = NodeNamedShape()
    level = serializers.IntegerField(
        help_text="0 listed, 1 described, 2 conforming, 3 measured: docs/node-profile.md."
    )
    takes_bookings = serializers.BooleanField()
    inventory = InventoryShape(allow_null=True)
    listed_and_found = ListedAndFoundShape(many=True)
    check = CheckShape(allow_null=True, help_text="The last conformance check that is over.")
    open_check = serializers.ChoiceField(NodeCheck.State.values, allow_null=True)
    cost_of_teraflop_hour = serializers.CharField(allow_null=True, help_text="EUR, full cost, as measured.")
    spot_checks = CheckShape(many=True)
    consecutive_good = serializers.IntegerField()
    tolerance = serializers.CharField()

    example: ClassVar = {
        "node": {"id": "https://equinode.example/0193069f-10aa-7c3e-9d2b-1a2b3c4d5e6f", "slug": "gemini-1",
                 "name": "Gemini 1"},
        "level": 2,
        "takes_bookings": True,
        "inventory": {
            "uid": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e79", "state": "agrees",
            "told_at": "2026-11-22T18:03:11Z", "last_told_at": "2026-11-23T07:00:00Z", "sha256": "9f2c" * 16,
            "differences": [], "settlement": None, "reason": None, "settled_by": None, "settled_at": None,
        },
        "listed_and_found": [
            {"name": "Cores", "listed": "64", "found": "64"},
        ],
        "check": {
            "uid": "019306a3-77aa-7b1f-9d0a-0f5b0a0a7d10", "purpose": "conformance", "outcome": "passed",
            "finished_at": "2026-11-22T18:10:02Z",
            "requirements": [{"code": "no_network", "is_met": True, "told": ""}],
            "figures": {"matrix_gflops": 812.4, "matrix_method": "numpy 2.1.0", "memory_gbps": 21.3,
                        "disk_mbps": 1830.5, "gpu_gflops": [], "gpu_method": ""},
            "deviations": {}, "sha256": "77ab" * 16,
        },
        "open_check": None,
        "cost_of_teraflop_hour": "0.5175",
        "spot_checks": [],
        "consecutive_good": 0,
        "tolerance": "0.05",
    }  # fmt: skip


class ConformanceApi(PersonalApiView):
    """What is listed of a node against what its agent found, its checks and its level."""

    access: ClassVar = {"GET": ANYONE, "POST": agreed(NODE_SETTLER)}
    scopes: ClassVar = {"GET": "", "POST": scopes.NODES}
    answers: ClassVar = {"GET": ConformanceShape, "POST": ConformanceShape}
    refusals: ClassVar = {"POST": {"check_refused": 409}}
    makes: ClassVar = {"POST": False}

    def get(self, request: Request, slug: str) -> Response:
        node = shown_node(slug)
        if node is None:
            raise Http404
        return Response(_told(node))

    def post(self, request: Request, node: Node) -> Response:
        """Have it checked as soon as nobody has its devices for ten minutes."""
        checking.ask(node=node, purpose=NodeCheck.Purpose.CONFORMANCE, by=self.person, at=clock.now())
        return Response(_told(node))


class SettleApi(PersonalApiView):
    """Settle what differs, so that the node takes bookings again."""

    access: ClassVar = {"POST": agreed(NODE_SETTLER)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": SettleMembers}
    answers: ClassVar = {"POST": ConformanceShape}
    refusals: ClassVar = {"POST": {"settling_refused": 409}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, node: Node) -> Response:
        told = dict(self.body)
        inventory = node.inventories.filter(uid=told.pop("inventory")).first()
        if inventory is None:
            raise Http404
        comparing.settle(
            inventory=inventory, by=self.person, is_steward=judges(node, self.person), at=clock.now(), **told
        )
        node.refresh_from_db()
        return Response(_told(node))


def _told(node: Node) -> dict[str, Any]:
    at = clock.now()
    return conformance_json(conformance_page(node, at=at, reader=None), at=at)
