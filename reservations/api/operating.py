"""An owner's node, for programs: how it is, what is closed and booked there, what is done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.shapes import MomentField, Shape, moment
from common.api.view import ApiView
from common.lines import require_one_line
from nodes.models import Closure, Hold, Node
from nodes.services import standing
from nodes.services.standing import LONGEST_REASON
from pricing.access import NODE_LEAD, NODE_MEMBER
from pricing.domain.declared import plain
from reservations.selectors import operating as selectors
from reservations.selectors.enlisting import AgentState
from reservations.selectors.node_charts import SPANS, sample_json, samples_of
from reservations.selectors.reliability import reliability_json
from reservations.services import taking_back

_KINDS = [str(Hold.Kind.CLOSURE), str(Hold.Kind.OWNER)]
_NODES: dict[str, Any] = {"GET": scopes.NODES, "POST": scopes.NODES}
_REFUSED = {"slots_in_the_way": 409, "change_refused": 409, "node_standing_refused": 409}


def _reason() -> serializers.CharField:
    return serializers.CharField(max_length=LONGEST_REASON, validators=[require_one_line])


def _seen() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.UUIDField(), max_length=1000, required=False, default=list,
        help_text="Booked slots that you have seen and take back; others are refused by name.",
    )  # fmt: skip


# --- shapes --------------------------------------------------------------------------------------------
class AgentStateShape(Shape):
    version = serializers.CharField()
    enrolled_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(allow_null=True)
    is_answering = serializers.BooleanField()
    key_sha256 = serializers.CharField()

    example: ClassVar = {
        "version": "0.2.0",
        "enrolled_at": "2026-11-01T09:00:00Z",
        "last_seen_at": "2026-11-23T10:00:00Z",
        "is_answering": True,
        "key_sha256": "c0ffee" * 10 + "0123",
    }


class BookedShape(Shape):
    reservation = serializers.UUIDField()
    holder = serializers.CharField(help_text="The project as it appears to others; never a person.")
    devices = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    has_begun = serializers.BooleanField()
    price = serializers.CharField(help_text="EUR, without the site’s fee.")


class ClosureShape(Shape):
    closure = serializers.UUIDField()
    kind = serializers.ChoiceField(_KINDS)
    reason = serializers.CharField()
    devices = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()

    example: ClassVar = {
        "closure": "019306a4-3f3b-7c60-8d0e-1f6f0f0e9a11",
        "kind": "closure",
        "reason": "A fan is replaced.",
        "devices": "devices 0, 1",
        "start": "2026-12-01T08:00:00Z",
        "end": "2026-12-01T12:00:00Z",
    }


class SampleShape(Shape):
    minute = serializers.DateTimeField()
    heartbeats = serializers.IntegerField(help_text="In that minute; six while all is well.")
    cpu_percent = serializers.FloatField(allow_null=True)
    memory_used_bytes = serializers.IntegerField(allow_null=True)
    disk_free_bytes = serializers.IntegerField(allow_null=True)
    clock_offset_s = serializers.FloatField(allow_null=True)
    gpus = serializers.ListField(child=serializers.DictField())


class OperationShape(Shape):
    node = serializers.SlugField()
    state = serializers.ChoiceField(Node.State.values)
    drained_at = serializers.DateTimeField(allow_null=True)
    agent = AgentStateShape(allow_null=True)
    jobs = serializers.IntegerField(help_text="Leases that its agent holds, or is about to get.")
    slots = BookedShape(many=True)
    closures = ClosureShape(many=True)
    samples = SampleShape(many=True)

    example: ClassVar = {
        "node": "gemini-1",
        "state": "listed",
        "drained_at": None,
        "agent": AgentStateShape.example,
        "jobs": 1,
        "slots": [],
        "closures": [],
        "samples": [],
    }  # fmt: skip


class OperationQuery(Members):
    span = serializers.ChoiceField([*SPANS], default="day", help_text="Of the samples.")


class ClosingMembers(Members):
    devices = serializers.ListField(
        child=serializers.UUIDField(), max_length=256, required=False, default=list,
        help_text="Of this node; none: all of them.",
    )  # fmt: skip
    kind = serializers.ChoiceField(_KINDS, help_text="closure: maintenance; owner: your own time.")
    start = MomentField(required=False, allow_null=True, default=None, help_text="Null: from now on.")
    end = MomentField()
    reason = _reason()
    taking_back = _seen()

    example: ClassVar = {
        "kind": "closure",
        "start": "2026-12-01T08:00:00Z",
        "end": "2026-12-01T12:00:00Z",
        "reason": "A fan is replaced.",
    }


class DrainMembers(Members):
    reason = _reason()

    example: ClassVar = {"reason": "It is sold next month."}


class StopMembers(Members):
    until = MomentField(help_text="Until when it stays closed.")
    reason = _reason()

    example: ClassVar = {"until": "2026-12-01T12:00:00Z", "reason": "Water in the machine room."}


class NodeWithdrawalMembers(Members):
    reason = _reason()
    taking_back = _seen()

    example: ClassVar = {"reason": "The machine is sold."}


class StandingShape(Shape):
    node = serializers.SlugField()
    state = serializers.ChoiceField(Node.State.values)
    drained_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {"node": "gemini-1", "state": "drained", "drained_at": "2026-11-23T10:00:00Z"}


class MonthShape(Shape):
    node = serializers.SlugField()
    month = serializers.CharField()
    slots = serializers.IntegerField()
    kept = serializers.IntegerField()
    late = serializers.IntegerField()
    missed = serializers.IntegerField()
    withdrawn = serializers.IntegerField()
    late_seconds = serializers.IntegerField()
    counted_at = serializers.DateTimeField()


class ReliabilityShape(Shape):
    node = serializers.SlugField()
    months = MonthShape(many=True)

    example: ClassVar = {
        "node": "gemini-1",
        "months": [
            {"node": "gemini-1", "month": "2026-11", "slots": 20, "kept": 18, "late": 1, "missed": 0,
             "withdrawn": 1, "late_seconds": 12, "counted_at": "2026-11-23T10:00:00Z"},
        ],
    }  # fmt: skip


# --- the calls -----------------------------------------------------------------------------------------
class OperationApi(PersonalApiView):
    """A node as its owner runs it: its agent, what runs, what is booked and closed, what it told."""

    access: ClassVar = {"GET": NODE_MEMBER}
    scopes: ClassVar = {"GET": scopes.NODES}
    queries: ClassVar = {"GET": OperationQuery}
    answers: ClassVar = {"GET": OperationShape}

    def get(self, request: Request, node: Node) -> Response:
        at = clock.now()
        page = selectors.operating_page(node=node, is_lead=False, at=at)
        samples = samples_of(node, span=self.query["span"], at=at)
        return Response(
            {
                **_standing(node),
                "agent": agent_json(page.now.agent),
                "jobs": len(page.now.running),
                "slots": [_slot(row) for row in page.slots],
                "closures": [_closure(row) for row in page.closures],
                "samples": [sample_json(row) for row in samples],
            }
        )


class ClosuresApi(PersonalApiView):
    """Closures of a node’s devices that are not over, soonest first."""

    access: ClassVar = {"GET": NODE_MEMBER, "POST": agreed(NODE_LEAD)}
    scopes: ClassVar = _NODES
    bodies: ClassVar = {"POST": ClosingMembers}
    answers: ClassVar = {"GET": [ClosureShape], "POST": ClosureShape}
    refusals: ClassVar = {"POST": {**_REFUSED, "device_taken": 409}}

    def get(self, request: Request, node: Node) -> Response:
        rows = selectors.closures(node=node, at=clock.now())
        return Response({"items": [_closure(row) for row in rows], "next": None})

    def post(self, request: Request, node: Node) -> Response:
        """Close devices. What is booked there and not among `taking_back` is refused, and named."""
        asked, at = self.body, clock.now()
        closure = taking_back.close(
            node=node, device_ids=_devices(node, asked["devices"]), start=asked["start"], end=asked["end"],
            kind=asked["kind"], reason=asked["reason"], taking_back=asked["taking_back"], by=self.person,
            at=at,
        )  # fmt: skip
        row = next(row for row in selectors.closures(node=node, at=at) if row.uid == closure.uid)
        location = f"/api/v1/nodes/{node.slug}/closures/{closure.uid}"
        return Response(_closure(row), status=201, headers={"Location": location})


class ClosureApi(PersonalApiView):
    """One closure of a node’s devices."""

    access: ClassVar = {"GET": NODE_MEMBER, "DELETE": NODE_LEAD}
    scopes: ClassVar = dict.fromkeys(("GET", "DELETE"), scopes.NODES)
    answers: ClassVar = {"GET": ClosureShape, "DELETE": None}
    refusals: ClassVar = {"DELETE": {"change_refused": 409}}

    def get(self, request: Request, node: Node, uid: UUID) -> Response:
        return Response(_closure(_found(node, uid)))

    def delete(self, request: Request, node: Node, uid: UUID) -> Response:
        """End it now, or call it off: its time can be booked again at once."""
        closure = Closure.objects.get(uid=_found(node, uid).uid)
        taking_back.reopen(node=node, closure=closure, at=clock.now())
        return Response(status=204)


class NodeDrainApi(PersonalApiView):
    """Take no new bookings on a node."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": DrainMembers}
    answers: ClassVar = {"POST": StandingShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"node_standing_refused": 409}}

    def post(self, request: Request, node: Node) -> Response:
        """What is booked stays and runs."""
        reason = self.body["reason"]
        return Response(_standing(standing.drain(node=node, reason=reason, by=self.person, at=clock.now())))


class NodeResumeApi(PersonalApiView):
    """Take bookings on a node again."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    answers: ClassVar = {"POST": StandingShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"node_standing_refused": 409}}

    def post(self, request: Request, node: Node) -> Response:
        """From now on."""
        return Response(_standing(standing.resume(node=node, by=self.person, at=clock.now())))


class NodeStopApi(PersonalApiView):
    """Stop everything on a node at once."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": StopMembers}
    answers: ClassVar = {"POST": StandingShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": _REFUSED}

    def post(self, request: Request, node: Node) -> Response:
        """Jobs are told to end, slots until then are taken back, and nobody books until you say so."""
        asked = self.body
        taking_back.stop(
            node=node, until=asked["until"], reason=asked["reason"], by=self.person, at=clock.now()
        )
        node.refresh_from_db()
        return Response(_standing(node))


class NodeWithdrawApi(PersonalApiView):
    """Withdraw a node for good."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": NodeWithdrawalMembers}
    answers: ClassVar = {"POST": StandingShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": _REFUSED}

    def post(self, request: Request, node: Node) -> Response:
        """With every slot that is booked on it: each must be among `taking_back`."""
        asked = self.body
        done = taking_back.withdraw_node(
            node=node,
            reason=asked["reason"],
            taking_back=asked["taking_back"],
            by=self.person,
            at=clock.now(),
        )
        return Response(_standing(done))


class ReliabilityApi(ApiView):
    """How a node kept its slots, month by month."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": ReliabilityShape}

    def get(self, request: Request, slug: str) -> Response:
        found = get_object_or_404(Node.objects.exclude(state=Node.State.DRAFT), slug=slug)
        return Response(reliability_json(found))


# --- shown ---------------------------------------------------------------------------------------------
def _devices(node: Node, uids: Sequence[UUID]) -> list[int]:
    rows = node.devices.all() if not uids else node.devices.filter(uid__in=uids)
    found = [device.pk for device in rows]
    # One that is not of this node makes the list longer than what there is: the service refuses that.
    return found if not uids or len(found) == len(set(uids)) else [*found, 0]


def _found(node: Node, uid: UUID) -> selectors.ClosureRow:
    row = next((row for row in selectors.closures(node=node, at=clock.now()) if row.uid == uid), None)
    if row is None:
        raise Http404
    return row


def _standing(node: Node) -> dict[str, Any]:
    return {"node": node.slug, "state": node.state, "drained_at": moment(node.drained_at)}


def agent_json(agent: AgentState | None) -> dict[str, Any] | None:
    if agent is None:
        return None
    return {
        "version": agent.version,
        "enrolled_at": moment(agent.enrolled_at),
        "last_seen_at": moment(agent.last_seen_at),
        "is_answering": agent.is_answering,
        "key_sha256": agent.fingerprint,
    }


def _slot(row: selectors.SlotRow) -> dict[str, Any]:
    return {
        "reservation": str(row.uid),
        "holder": row.holder,
        "devices": row.devices,
        "start": moment(row.start),
        "end": moment(row.end),
        "has_begun": row.has_begun,
        "price": plain(row.price),
    }


def _closure(row: selectors.ClosureRow) -> dict[str, Any]:
    return {
        "closure": str(row.uid),
        "kind": row.kind,
        "reason": row.reason,
        "devices": row.devices,
        "start": moment(row.start),
        "end": moment(row.end),
    }
