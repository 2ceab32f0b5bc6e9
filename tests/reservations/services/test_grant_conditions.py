"""Each condition of a grant holds at booking; the refusal says the number and what would work."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation
from common import formats
from nodes.models import Node
from pricing.models import Grant
from pricing.selectors import rates
from pricing.services import grants
from reservations.models import Reservation
from tests import factories
from tests.api.test_writing import call
from tests.reservations.services.worlds import Lab, in_days, make_open_node

D = Decimal
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Node:
    return make_open_node(devices=2)


@pytest.fixture
def lab() -> Lab:
    """Without any grant."""
    member = factories.make_user()
    project = factories.make_project(member)
    return Lab(project, member, factories.make_vertex(project))


def price_of(node: Node) -> Decimal:
    """EUR per device-hour, with the fee."""
    device = node.devices.first()
    assert device is not None
    return rates(device_ids=[device.pk], at=in_days(0))[device.pk].to_pay


def give(lab: Lab, amount: Decimal, **fields: Any) -> Grant:
    start = in_days(0)
    fields = {
        "valid_from": start - DAY, "valid_until": start + 60 * DAY, "name": "Floods", "purpose": "Floods",
        "funder": factories.make_organisation(Organisation.Kind.FUNDER),
    } | fields  # fmt: skip
    return grants.create_grant(project=lab.project, amount=amount, at=start - DAY, **fields)


def ask(lab: Lab, node: Node, start: datetime, hours: int = 2) -> Any:
    device = node.devices.order_by("index").first()
    assert device is not None
    return call(lab.member, "POST", "reservations", {
        "project": lab.project.slug, "devices": [str(device.uid)], "start": start.isoformat(),
        "end": (start + timedelta(hours=hours)).isoformat(),
    })  # fmt: skip


def refusal(answer: Any) -> dict[str, Any]:
    """What the rule of the budget says; no other rule refuses, and nothing is kept."""
    assert (answer.status_code, answer.json()["code"]) == (409, "refused"), answer.content
    refusing = [rule for rule in answer.json()["rules"] if rule["verdict"] == "refuse"]
    assert [rule["code"] for rule in refusing] == ["budget"]
    assert not Reservation.objects.exists()
    found: dict[str, Any] = refusing[0]
    return found


def money(amount: Decimal) -> str:
    return f"EUR\N{NO-BREAK SPACE}{amount.quantize(D('0.01'))}"


def test_an_amount_is_not_exceeded(lab: Lab, node: Node) -> None:
    price = price_of(node)
    give(lab, 3 * price)
    told = refusal(ask(lab, node, in_days(2), hours=4))
    assert (D(told["actual"]), D(told["limit"])) == (4 * price, 3 * price)
    assert told["text"] == (
        f"This costs {money(4 * price)}. Grants valid for these hours pay {money(3 * price)}."
    )
    with timezone.override(lab.member.time_zone):
        ends = formats.moment(in_days(2) + timedelta(hours=3))
    assert told["remedy"] == f"An end at {ends}; or a grant with {money(price)} more."
    assert ask(lab, node, in_days(2), hours=3).status_code == 201


def test_device_hours_are_not_exceeded_whatever_money_is_left(lab: Lab, node: Node) -> None:
    give(lab, D(1000), hours=D(3))
    told = refusal(ask(lab, node, in_days(2), hours=4))
    price = money(price_of(node))
    assert told["remedy"].endswith(f"; or a grant with {price} and 1.00 device-hours more.")
    assert D(told["limit"]) == 3 * price_of(node)
    assert ask(lab, node, in_days(2), hours=3).status_code == 201
    assert Grant.objects.get().hours_left == 0


@pytest.mark.parametrize(("first", "last"), [(5, 60), (-1, 1)], ids=["before it begins", "after it is over"])
def test_it_pays_for_hours_in_its_time_alone(lab: Lab, node: Node, first: int, last: int) -> None:
    start = in_days(2)
    give(lab, D(1000), valid_from=start + (first - 2) * DAY, valid_until=start + (last - 2) * DAY)
    told = refusal(ask(lab, node, start))
    assert (D(told["limit"]), D(told["actual"])) == (0, 2 * price_of(node))
    assert told["remedy"] == f"A grant with {money(2 * price_of(node))} more for these hours."


def test_a_slot_over_its_end_is_paid_until_then_and_the_end_that_works_is_named(lab: Lab, node: Node) -> None:
    start = in_days(2)
    give(lab, D(1000), valid_until=start + timedelta(hours=3))
    told = refusal(ask(lab, node, start, hours=5))
    assert (D(told["limit"]), D(told["actual"])) == (3 * price_of(node), 5 * price_of(node))
    assert told["remedy"].startswith("An end at ")
    assert ask(lab, node, start, hours=3).status_code == 201


def test_another_project_s_grant_pays_nothing(lab: Lab, node: Node) -> None:
    other = factories.make_project(lab.member)
    give(Lab(other, lab.member, factories.make_vertex(other)), D(1000))
    told = refusal(ask(lab, node, in_days(2)))
    assert told["text"] == f"This costs {money(2 * price_of(node))}, and your project has no grant yet."
    assert Grant.objects.get().encumbered == 0


def test_for_whom_is_asked_when_it_is_given_and_what_was_given_stays(lab: Lab, node: Node) -> None:
    """docs/fair-share.md: with its class a project loses what comes, not what it has."""
    funder = factories.make_organisation(Organisation.Kind.FUNDER)
    line = factories.make_line(funder=funder, classes=["citizen"], name="Citizens")
    span = {"valid_from": in_days(0), "valid_until": in_days(30), "funder": funder, "line": line}
    with pytest.raises(grants.GrantRefused, match="is for: Citizen. .* is of the class Research"):
        give(lab, D(100), **span)
    lab.project.project_class = "citizen"
    lab.project.save()
    give(lab, D(100), **span)
    lab.project.project_class = "independent"
    lab.project.save()
    assert ask(lab, node, in_days(2)).status_code == 201


def test_its_purpose_stands_where_the_project_sees_what_it_has(lab: Lab, node: Node) -> None:
    give(lab, D(100), purpose="Maps of floods")
    (budget,) = call(lab.member, "GET", f"projects/{lab.project.slug}").json()["budgets"]
    assert budget["purpose"] == "Maps of floods"
    client = Client()
    client.force_login(lab.member)
    assert "Purpose: Maps of floods." in client.get(lab.project.get_absolute_url()).content.decode()


def test_the_grants_looked_at_are_kept_with_the_decision_by_name(lab: Lab, node: Node) -> None:
    give(lab, D(1), name="Floods 2027")
    answer = ask(lab, node, in_days(2))
    refusal(answer)
    decision = call(lab.member, "GET", f"decisions/{answer.json()['decision_uid']}").json()
    assert [one["name"] for one in decision["snapshot"]["grants"]] == ["Floods 2027"]
