"""Listing a node, for programs: a draft with a place, a token for its agent, what is in the machine."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ORGANISATION_LEAD, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.forms.organisations import countries
from accounts.forms.person import zones
from accounts.models import Organisation
from common import clock
from common.api.bodies import Members
from common.api.shapes import Shape, moment
from common.lines import require_one_line
from nodes.errors import ListingRefused, NoAgent
from nodes.models import Device, Node, Site
from nodes.services import enrolment, listing
from nodes.services.listing import MOST_DEVICES, Machine, NewDevice
from nodes.services.standing import LONGEST_REASON
from pricing.access import NODE_LEAD, NODE_MEMBER
from reservations.api.operating import AgentStateShape, agent_json
from reservations.selectors import enlisting as selectors

MOST_BYTES = 2**60


class PlaceMembers(Members):
    name = serializers.CharField(max_length=100, validators=[require_one_line])
    country = serializers.RegexField("^[A-Z]{2}$", help_text="ISO 3166-1, such as FR.")
    electricity_zone = serializers.RegexField("^[A-Za-z0-9-]{2,20}$", help_text="A bidding zone, such as FR.")
    time_zone = serializers.CharField(max_length=64, help_text="As IANA names it, such as Europe/Paris.")
    pue = serializers.DecimalField(max_digits=5, decimal_places=3, min_value=1, max_value=10)


class NodeMembers(Members):
    name = serializers.CharField(max_length=100, validators=[require_one_line])
    slug = serializers.SlugField(max_length=50, help_text="Of its page, for good.")
    site = serializers.SlugField(required=False, allow_null=True, default=None)
    place = PlaceMembers(required=False, allow_null=True, default=None, help_text="Where `site` is null.")

    example: ClassVar = {"name": "Lyon A100 2", "slug": "lyon-a100-2", "site": "lyon"}


class ListedDeviceMembers(Members):
    kind = serializers.ChoiceField(Device.Kind.values)
    model = serializers.CharField(max_length=80, validators=[require_one_line])
    memory_bytes = serializers.IntegerField(min_value=1, max_value=MOST_BYTES)
    index = serializers.IntegerField(min_value=0, max_value=32767)


class MachineMembers(Members):
    vendor = serializers.CharField(max_length=80, default="", allow_blank=True, validators=[require_one_line])
    machine_model = serializers.CharField(
        max_length=120, default="", allow_blank=True, validators=[require_one_line]
    )
    cpu_model = serializers.CharField(max_length=120, validators=[require_one_line])
    cpu_cores = serializers.IntegerField(min_value=1, max_value=100_000)
    memory_bytes = serializers.IntegerField(min_value=1, max_value=MOST_BYTES)
    runner = serializers.ChoiceField([Node.Runner.BUBBLEWRAP, Node.Runner.PODMAN], default="bubblewrap")
    devices = ListedDeviceMembers(many=True, max_length=MOST_DEVICES)  # type: ignore[call-arg]

    example: ClassVar = {
        "cpu_model": "EPYC 9334",
        "cpu_cores": 64,
        "memory_bytes": 549755813888,
        "devices": [{"kind": "gpu", "model": "H100 SXM5", "memory_bytes": 85899345920, "index": 0}],
    }


class NodeDraftShape(Shape):
    node = serializers.SlugField()
    name = serializers.CharField()
    state = serializers.ChoiceField(Node.State.values)
    owner = serializers.SlugField()
    site = serializers.SlugField()
    listed_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "node": "lyon-a100-2",
        "name": "Lyon A100 2",
        "state": "draft",
        "owner": "lab-lyon",
        "site": "lyon",
        "listed_at": None,
    }


class EnrolmentTokenShape(Shape):
    token = serializers.CharField(
        allow_null=True,
        help_text="Shown this once; null where the answer is repeated for an Idempotency-Key.",
    )
    expires_in = serializers.IntegerField(help_text="Seconds.")
    site = serializers.URLField()
    site_key_sha256 = serializers.CharField(help_text="For `equinode-agent enrol --fingerprint`.")

    example: ClassVar = {
        "token": "eqn_Zk3x…", "expires_in": 900, "site": "https://equinode.example",
        "site_key_sha256": "c0ffee" * 10 + "0123",
    }  # fmt: skip


class RevokeMembers(Members):
    reason = serializers.CharField(
        max_length=LONGEST_REASON, validators=[require_one_line], help_text="Public for good. Name no person."
    )

    example: ClassVar = {"reason": "The machine was stolen."}


# --- the calls -----------------------------------------------------------------------------------------
class OrganisationNodesApi(PersonalApiView):
    """Enter a node of an organisation."""

    access: ClassVar = {"POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": NodeMembers}
    answers: ClassVar = {"POST": NodeDraftShape}
    refusals: ClassVar = {"POST": {"listing_refused": 400}}

    @transaction.atomic
    def post(self, request: Request, organisation: Organisation) -> Response:
        """A draft, which nobody else sees: its agent can join it, and then it is listed."""
        asked = self.body
        node = listing.draft_node(
            slug=asked["slug"].lower(), name=asked["name"], owner=organisation, site=self._site(),
            by=self.person, at=clock.now(),
        )  # fmt: skip
        location = f"/api/v1/nodes/{node.slug}/operation"
        return Response(_draft(node), status=201, headers={"Location": location})

    def _site(self) -> Site:
        if self.body["site"] is not None:
            if self.body["place"] is not None:
                raise ListingRefused(_("Say either a `site` or a new `place`, not both."), field="place")
            return get_object_or_404(Site, slug=self.body["site"])
        place = self.body["place"]
        if place is None:
            raise ListingRefused(_("Say where it stands: a `site`, or a new `place`."), field="site")
        if place["country"] not in dict(countries()):
            raise ListingRefused(_("Choose its country."), field="place")
        if place["time_zone"] not in dict(zones()):
            raise ListingRefused(_("Choose its time zone."), field="place")
        return listing.enter_site(slug=selectors.free_address(place["name"]), **place)


class NodeMachineApi(PersonalApiView):
    """Say what is in a draft, and list it; or discard it."""

    access: ClassVar = {"PUT": agreed(NODE_LEAD), "DELETE": agreed(NODE_LEAD)}
    scopes: ClassVar = dict.fromkeys(("PUT", "DELETE"), scopes.NODES)
    bodies: ClassVar = {"PUT": MachineMembers}
    answers: ClassVar = {"PUT": NodeDraftShape, "DELETE": None}
    refusals: ClassVar = {"PUT": {"listing_refused": 400}, "DELETE": {"listing_refused": 400}}

    def put(self, request: Request, node: Node) -> Response:
        """From then on its devices are booked and priced, and stay."""
        asked = dict(self.body)
        devices = [NewDevice(**device) for device in asked.pop("devices")]
        machine = Machine(devices=devices, **asked)
        listed = listing.list_node(node=node, machine=machine, by=self.person, at=clock.now())
        return Response(_draft(listed))

    def delete(self, request: Request, node: Node) -> Response:
        """A draft that never was listed goes, and its address is free again."""
        listing.discard_draft(node=node, at=clock.now())
        return Response(status=204)


class EnrolmentTokensApi(PersonalApiView):
    """Let an agent join a node."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    answers: ClassVar = {"POST": EnrolmentTokenShape}
    cache_control = "no-store"

    def post(self, request: Request, node: Node) -> Response:
        """Good once, for 15 minutes. The agent before it is shut out when the new one joins."""
        told = {
            "token": enrolment.issue_token(node=node, by=self.person, at=clock.now()),
            "expires_in": round(enrolment.TOKEN_LIVES.total_seconds()),
            "site": settings.SITE_ORIGIN,
            "site_key_sha256": selectors.site_fingerprint(),
        }
        return Response(told, status=201)

    def kept(self, data: Any) -> Any:
        return {**data, "token": None} if "token" in data else data


class NodeAgentApi(PersonalApiView):
    """The agent of a node."""

    access: ClassVar = {"GET": NODE_MEMBER}
    scopes: ClassVar = {"GET": scopes.NODES}
    answers: ClassVar = {"GET": AgentStateShape}
    refusals: ClassVar = {"GET": {"no_agent": 409}}

    def get(self, request: Request, node: Node) -> Response:
        agent = selectors.agent_state(node=node, at=clock.now())
        if agent is None:
            raise NoAgent(_("No agent is enrolled on %(node)s.") % {"node": node.name}, node=node.slug)
        return Response(agent_json(agent))


class NodeAgentRevokeApi(PersonalApiView):
    """Shut the agent of a node out."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": RevokeMembers}
    answers: ClassVar = {"POST": None}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"no_agent": 409}}

    def post(self, request: Request, node: Node) -> Response:
        """At once and for good. What it runs goes on until its slot ends; what it reports counts no more."""
        enrolment.revoke_for_owner(node=node, reason=self.body["reason"], by=self.person, at=clock.now())
        return Response(status=204)


def _draft(node: Node) -> dict[str, Any]:
    return {
        "node": node.slug,
        "name": node.name,
        "state": node.state,
        "owner": node.owner.slug,
        "site": node.site.slug,
        "listed_at": moment(node.listed_at),
    }
