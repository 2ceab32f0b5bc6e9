"""What the site costs by calls: everybody reads it, stewards publish it with the fee that follows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from pricing.models import SiteCosts, SiteFee
from tests import factories
from tests.api.test_writing import call

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


def wanted(**changes: object) -> dict[str, Any]:
    items = [{"kind": "hosting", "amount_year": "4200", "sentence": "Two servers.", "source": "Contract 7"}]
    return {"items": items, "device_hours": "100000", "fee": "0.03", "reason": "A beginning.", **changes}


def test_a_steward_publishes_and_everybody_reads(steward: User) -> None:
    answer = call(steward, "POST", "site-costs", wanted())
    assert answer.status_code == 201
    made = answer.json()
    assert (made["number"], made["highest_fee"], made["state"]) == (1, "0.042", "in_force")
    assert Client().get("/api/v1/site-costs").json()["items"] == [made]
    (fee,) = Client().get("/api/v1/site-fees").json()["items"]
    assert (fee["amount"], fee["statement"], fee["reason"]) == ("0.03", 1, "A beginning.")
    more = call(steward, "POST", "site-fees", {"amount": "0.042", "reason": "All of it."})
    assert (more.status_code, more.json()["amount"]) == (201, "0.042")
    corrected = call(
        steward, "POST", "site-costs", wanted(corrects=1, subsidy_year="200", subsidy_source="A")
    )
    assert (corrected.status_code, corrected.json()["corrects"]) == (201, made["statement"])


def test_a_program_is_told_the_limit_and_what_would_pass(steward: User) -> None:
    refused = call(steward, "POST", "site-costs", wanted(fee="0.05")).json()
    assert (refused["code"], refused["field"], refused["limit"], refused["actual"]) == (
        "fee_above_costs", "fee", "0.042", "0.05",
    )  # fmt: skip
    call(steward, "POST", "site-costs", wanted())
    refused = call(steward, "POST", "site-fees", {"amount": "0.05", "reason": "More."}).json()
    assert (refused["code"], refused["field"], refused["limit"]) == ("fee_above_costs", "amount", "0.042")


def test_every_fault_is_told_by_its_member(steward: User) -> None:
    items = [{"kind": "audit", "amount_year": "0", "sentence": "S", "source": "x@y.example"}] * 2
    refused = call(steward, "POST", "site-costs", wanted(items=items, device_hours="0.5"))
    assert (refused.status_code, refused.json()["code"]) == (400, "site_costs_refused")
    assert {"items.audit.amount_year", "items.audit.source", "device_hours"} <= set(refused.json()["faults"])
    for body in (wanted(items="none"), wanted(items=[{"kind": "x"}]), wanted(items=[]), wanted(more=1)):
        assert call(steward, "POST", "site-costs", body).status_code == 400
    assert call(steward, "POST", "site-costs", wanted(corrects=7)).status_code == 404


def test_others_cannot() -> None:
    factories.make_site_costs(fee=Decimal("0.01"))
    calls = (("site-costs", wanted()), ("site-fees", {"amount": "0", "reason": "Free."}))
    for address, body in calls:
        assert call(factories.make_user(), "POST", address, body).status_code == 404
        assert call(factories.make_user(is_steward=True), "POST", address, body).status_code == 403
        anybody = Client().post(f"/api/v1/{address}", body, content_type="application/json")
        assert anybody.status_code == 401
    assert (SiteCosts.objects.count(), SiteFee.objects.count()) == (1, 1)
