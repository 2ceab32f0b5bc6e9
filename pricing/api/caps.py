"""The pricing policy and exceptions to the cap: everybody reads them, stewards publish, grant and end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.services.stewarding import LONGEST
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape
from common.api.view import ApiView
from common.lines import require_one_line
from nodes.models import Node
from pricing.domain.capping import Rules
from pricing.models import PriceException, PricingPolicy
from pricing.selectors import cap_pages as selectors
from pricing.services.price_exceptions import end_price_exception, grant_price_exception
from pricing.services.pricing_policies import publish_pricing_policy

_STATES = [selectors.IN_FORCE, selectors.TO_COME, selectors.OVER]


def _share(help_text: str) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=9, decimal_places=6, min_value=Decimal(0), help_text=help_text)


def _reason() -> serializers.CharField:
    return serializers.CharField(
        max_length=LONGEST, validators=[require_one_line], help_text="Public for good. Name no person."
    )


class PricingPolicyMembers(Members):
    private_cap = _share("Of private nodes: 0.1 lets a price lie a tenth above the chargeable cost.")
    public_cap = _share("The same of nodes that public bodies own.")
    utilisation_floor = _share("The cap counts at least this use of the available hours.")
    window_months = serializers.IntegerField(min_value=1, max_value=999)
    effective_from = MomentField(required=False, allow_null=True, default=None, help_text="Null: at once.")
    reason = _reason()

    example: ClassVar = {
        "private_cap": "0.1", "public_cap": "0", "utilisation_floor": "0.5", "window_months": 24,
        "effective_from": "2027-01-01T00:00:00Z", "reason": "A tenth pays for the risk of an empty machine.",
    }  # fmt: skip


class PricingPolicyShape(Shape):
    policy = serializers.IntegerField(help_text="The version.")
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(_STATES)
    private_cap = serializers.CharField()
    public_cap = serializers.CharField()
    utilisation_floor = serializers.CharField()
    window_months = serializers.IntegerField()
    reason = serializers.CharField()
    published_at = serializers.DateTimeField()
    sha256 = serializers.CharField()
    ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "policy": 1, "effective_from": "2026-11-22T15:00:00Z", "effective_until": None, "state": "in_force",
        "private_cap": "0.1", "public_cap": "0", "utilisation_floor": "0.5", "window_months": 24,
        "reason": "The caps this site begins with.", "published_at": "2026-11-22T15:00:00Z",
        "sha256": "9f2c" * 16, "ledger_entry": 7,
    }  # fmt: skip


class PriceExceptionMembers(Members):
    node = serializers.SlugField()
    highest_price = serializers.DecimalField(
        max_digits=18, decimal_places=6, help_text="EUR per device-hour, before VAT and the site’s fee."
    )
    effective_from = MomentField(required=False, allow_null=True, default=None, help_text="Null: at once.")
    effective_until = MomentField()
    reason = _reason()

    example: ClassVar = {
        "node": "gemini-1", "highest_price": "2.5", "effective_from": "2026-12-01T00:00:00Z",
        "effective_until": "2027-03-01T00:00:00Z", "reason": "The only node of its kind until spring.",
    }  # fmt: skip


class PriceExceptionEndMembers(Members):
    reason = _reason()

    example: ClassVar = {"reason": "There are others now."}


class PriceExceptionQuery(ListQuery):
    state = serializers.ChoiceField(_STATES, required=False, help_text="Only those.")


class PriceExceptionShape(Shape):
    exception = serializers.UUIDField()
    to = serializers.CharField(help_text="What it is an exception to: cap.")
    node = serializers.SlugField()
    highest_price = serializers.CharField(help_text="EUR per device-hour.")
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(help_text="As granted.")
    state = serializers.ChoiceField(_STATES)
    reason = serializers.CharField()
    granted_at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Where a steward ended it early.")
    end_reason = serializers.CharField(allow_blank=True)
    end_ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "exception": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e79", "to": "cap", "node": "gemini-1",
        "highest_price": "2.5", "effective_from": "2026-12-01T00:00:00Z",
        "effective_until": "2027-03-01T00:00:00Z", "state": "to_come",
        "reason": "The only node of its kind until spring.", "granted_at": "2026-11-22T18:03:11.120000Z",
        "ledger_entry": 43, "ended_at": None, "end_reason": "", "end_ledger_entry": None,
    }  # fmt: skip


class PricingPoliciesApi(PersonalApiView):
    """Every pricing policy there ever was, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": PricingPolicyMembers}
    answers: ClassVar = {"GET": [PricingPolicyShape], "POST": PricingPolicyShape}
    refusals: ClassVar = {"POST": {"cap_refused": 400, "period_taken": 409}}

    def get(self, request: Request) -> Response:
        at = clock.now()
        found = PricingPolicy.objects.select_related("entry")
        page = page_of_rows(
            request, self.query, found,
            lambda one: selectors.policy_json(selectors.version_row(one, at)), ("-version",),
        )  # fmt: skip
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Publish the next one. Prices that are published stay; those above the new cap are shown as such."""
        given, at = dict(self.body), clock.now()
        names = ("private_cap", "public_cap", "utilisation_floor", "window_months")
        rules = Rules(**{name: given.pop(name) for name in names})
        policy = publish_pricing_policy(rules=rules, by=self.person, at=at, **given)
        return Response(selectors.policy_json(selectors.version_row(policy, at)), status=201)


class PriceExceptionsApi(PersonalApiView):
    """Every exception to the cap there ever was, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": PriceExceptionQuery}
    bodies: ClassVar = {"POST": PriceExceptionMembers}
    answers: ClassVar = {"GET": [PriceExceptionShape], "POST": PriceExceptionShape}
    refusals: ClassVar = {"POST": {"price_exception_refused": 409, "period_taken": 409}}

    def get(self, request: Request) -> Response:
        at, state = clock.now(), self.query.get("state")
        found = selectors.of_state(state, at) if state else selectors.every()
        page = page_of_rows(request, self.query, found, lambda one: _shown(one, at))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Let one node cost more than the cap allows, up to a price and for some time."""
        given, at = dict(self.body), clock.now()
        node = get_object_or_404(Node, slug=given.pop("node"))
        granted = grant_price_exception(node=node, by=self.person, at=at, **given)
        location = {"Location": f"{request.path}/{granted.uid}"}
        return Response(_shown(granted, at), status=201, headers=location)


class PriceExceptionApi(ApiView):
    """One exception to the cap."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": PriceExceptionShape}

    def get(self, request: Request, uid: UUID) -> Response:
        return Response(_shown(_found(uid), clock.now()))


class PriceExceptionEndApi(PersonalApiView):
    """End an exception early, and with it the price that was published under it. Booked slots stay."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": PriceExceptionEndMembers}
    answers: ClassVar = {"POST": PriceExceptionShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"price_exception_refused": 409}}

    def post(self, request: Request, uid: UUID) -> Response:
        at = clock.now()
        ended = end_price_exception(exception=_found(uid), by=self.person, at=at, **self.body)
        return Response(_shown(ended, at))


def _found(uid: UUID) -> PriceException:
    return get_object_or_404(selectors.every(), uid=uid)


def _shown(exception: PriceException, at: Any) -> dict[str, Any]:
    return selectors.exception_json(selectors.row_of(exception, at))
