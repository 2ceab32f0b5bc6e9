"""The pricing policy and exceptions to the cap by calls: everybody reads them, stewards publish and grant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import OrganisationMembership, User
from common import clock
from common.api.shapes import moment
from nodes.models import Node
from pricing.models import PriceException, PricingPolicy
from tests import factories
from tests.api.test_writing import call
from tests.pricing.services.test_caps import end, grant, make_statement

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


@pytest.fixture
def node() -> Node:
    return factories.make_node(slug="gemini-1")


def rules(**changes: object) -> dict[str, Any]:
    return {
        "private_cap": "0.1", "public_cap": "0", "utilisation_floor": "0.5", "window_months": 24,
        "reason": "A tenth pays for idle months.", **changes,
    }  # fmt: skip


def wanted(**changes: object) -> dict[str, Any]:
    return {
        "node": "gemini-1", "highest_price": "2.5", "reason": "The only one of its kind.",
        "effective_until": moment(clock.now() + timedelta(days=30)), **changes,
    }  # fmt: skip


def test_a_steward_publishes_the_policy_and_everybody_reads_it(steward: User) -> None:
    answer = call(steward, "POST", "pricing-policies", rules())
    assert answer.status_code == 201
    made = answer.json()
    assert (made["policy"], made["private_cap"], made["state"]) == (1, "0.1", "in_force")
    assert Client().get("/api/v1/pricing-policies").json()["items"] == [made]
    wrong = call(steward, "POST", "pricing-policies", rules(private_cap="10"))
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (
        400,
        "cap_refused",
        "private_cap",
    )


@pytest.mark.parametrize(
    "changes",
    [{"private_cap": "NaN"}, {"window_months": 0}, {"reason": ""}, {"reason": "a\nb"}, {"cap": "1"}],
)
def test_what_is_no_policy_is_refused(steward: User, changes: dict[str, object]) -> None:
    assert call(steward, "POST", "pricing-policies", rules(**changes)).status_code == 400
    assert not PricingPolicy.objects.exists()


@pytest.mark.parametrize("far", ["2206-01-01T00:00:00Z", "9999-12-31T23:30:00Z"])
def test_a_slip_in_the_year_is_refused(steward: User, node: Node, far: str) -> None:
    factories.make_pricing_policy()
    refusals = [
        call(steward, "POST", "pricing-policies", rules(private_cap="0.2", effective_from=far)),
        call(steward, "POST", "price-exceptions", wanted(effective_from=far, effective_until=far)),
        call(steward, "POST", "price-exceptions", wanted(effective_from=far)),
        call(steward, "POST", "price-exceptions", wanted(effective_until=far)),
    ]
    assert [one.json()["code"] for one in refusals] == ["cap_refused"] + ["price_exception_refused"] * 3
    told = [one.json() for one in refusals]
    fields = ["effective_from"] * 2 + ["effective_from", "effective_until"]
    assert [one["field"] for one in told] == fields
    assert PricingPolicy.objects.get().effective_until is None
    assert not PriceException.objects.exists()


@pytest.mark.parametrize("field", ["effective_from", "effective_until"])
def test_an_exception_is_not_in_the_past_of_another_age(steward: User, node: Node, field: str) -> None:
    past = call(steward, "POST", "price-exceptions", wanted(**{field: "0001-01-01T00:00:00Z"}))
    assert (past.status_code, past.json()["field"]) == (409, field)


def test_a_steward_grants_and_ends_an_exception(steward: User, node: Node) -> None:
    answer = call(steward, "POST", "price-exceptions", wanted())
    assert answer.status_code == 201
    made = answer.json()
    assert (made["node"], made["highest_price"], made["state"]) == ("gemini-1", "2.5", "in_force")
    assert Client().get(answer.headers["Location"]).json() == made
    assert Client().get("/api/v1/price-exceptions").json()["items"] == [made]
    assert Client().get("/api/v1/price-exceptions?state=over").json()["items"] == []
    ended = call(steward, "POST", f"price-exceptions/{made['exception']}/end", {"reason": "Over."})
    assert (ended.status_code, ended.json()["end_reason"], ended.json()["state"]) == (200, "Over.", "over")
    again = call(steward, "POST", f"price-exceptions/{made['exception']}/end", {"reason": "Over."})
    assert (again.status_code, again.json()["code"]) == (409, "price_exception_refused")
    assert call(steward, "POST", "price-exceptions", wanted(node="nothing")).status_code == 404


def test_others_cannot(node: Node) -> None:
    granted, lead = grant(node), factories.make_user()
    OrganisationMembership.objects.create(organisation=node.owner, user=lead, role="lead")
    lacking = factories.make_user(is_steward=True)
    calls = (
        ("pricing-policies", rules()), ("price-exceptions", wanted()),
        (f"price-exceptions/{granted.uid}/end", {"reason": "Over."}),
    )  # fmt: skip
    for address, body in calls:
        assert call(factories.make_user(), "POST", address, body).status_code == 404
        assert call(lead, "POST", address, body).status_code == 404
        assert call(lacking, "POST", address, body).status_code == 403
        anybody = Client().post(f"/api/v1/{address}", body, content_type="application/json")
        assert anybody.status_code == 401
    assert (PricingPolicy.objects.count(), PriceException.objects.filter(ended_at=None).count()) == (0, 1)


def test_a_program_above_the_cap_is_told_the_numbers() -> None:
    factories.make_pricing_policy()
    statement, lead = make_statement(), factories.make_user()
    node = statement.node
    OrganisationMembership.objects.create(organisation=node.owner, user=lead, role="lead")
    refused = call(lead, "POST", f"nodes/{node.slug}/tariffs", {"price": "2"})
    assert refused.status_code == 400
    told = refused.json()
    assert (told["code"], told["field"], told["limit"], told["actual"]) == (
        "above_cap",
        "price",
        "1.652229",
        "2",
    )
    assert (told["rule"], told["cost"], told["cap"]) == ("cap", "1.502027", "0.1")
    granted = grant(node, "2")
    made = call(lead, "POST", f"nodes/{node.slug}/tariffs", {"price": "2"})
    assert made.status_code == 201
    assert (made.json()["exception"], made.json()["limit"], made.json()["policy"]) == (
        str(granted.uid), "1.652229", 1,
    )  # fmt: skip
    end(granted)
    assert Client().get(f"/api/v1/nodes/{node.slug}/tariffs").json()["items"][0]["effective_until"]
