"""Histories made by the services themselves, told again later as they stood."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from common import clock
from common.ranges import between
from nodes.models import Node
from pricing.errors import PricingError
from pricing.models import CostStatement, PricingPolicy, SiteCosts, SiteFee, StatementWithdrawal, Tariff
from pricing.selectors import as_of, rates
from pricing.selectors.as_of import (
    called_off_statements,
    called_off_tariffs,
    cuts_of_statements,
    cuts_of_tariffs,
    known,
    stood,
)
from pricing.services.calling_off import call_off_tariff
from pricing.services.fees import set_site_fee
from pricing.services.price_exceptions import end_price_exception, grant_price_exception
from pricing.services.statements import publish_statement
from pricing.services.tariffs import set_price
from pricing.services.withdrawing import withdraw_statement
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def rows_of(node: Node) -> list[CostStatement | Tariff]:
    return [*node.statements.order_by("number"), *node.tariffs.order_by("number")]


def ordinary(node: Node, at: datetime) -> dict[str, Any]:
    """What is in force, as pages and bookings ask at the present moment."""
    device = node.devices.order_by("index")[0].pk
    rate = rates(device_ids=[device], at=at).get(device)
    statement = CostStatement.objects.filter(node=node, effective__contains=at).first()
    tariff = Tariff.objects.filter(node=node, effective__contains=at).first()
    fee = SiteFee.objects.filter(effective__contains=at).first()
    policy = PricingPolicy.objects.filter(effective__contains=at).first()
    if rate is not None:
        assert tariff is not None
        assert statement is not None
        assert (rate.price, rate.statement_id) == (tariff.price, statement.pk)
    return {
        "statement": statement and statement.number,
        "tariff": tariff and (tariff.number, tariff.price),
        "fee": fee and fee.amount,
        "policy": policy and policy.version,
        "shares": list(
            node.pool_shares.filter(statement__effective__contains=at).values_list("amount_year", flat=True)
        ),
        "periods": [(row.number, row.effective_from, row.effective_until) for row in rows_of(node)],
    }


def as_it_stood(node: Node, at: datetime) -> dict[str, Any]:
    then = stood(node, at=at)
    ends = list(StatementWithdrawal.objects.filter(statement__node=node))
    statements = list(CostStatement.objects.filter(node=node).select_related("entry").order_by("number"))
    tariffs = list(
        Tariff.objects.filter(node=node).select_related("entry", "exception", "call_off").order_by("number")
    )
    then_known: list[CostStatement | Tariff] = [
        *known(statements, at=at, cuts=cuts_of_statements(ends), called_off=called_off_statements(ends)),
        *known(tariffs, at=at, cuts=cuts_of_tariffs(ends, tariffs), called_off=called_off_tariffs(tariffs)),
    ]
    return {
        "statement": then.statement and then.statement.number,
        "tariff": then.tariff and (then.tariff.number, then.tariff.price),
        "fee": then.fee and then.fee.amount,
        "policy": then.policy and then.policy.version,
        "shares": [share.amount_year for share in then.shares],
        "periods": [(row.number, row.effective_from, row.effective_until) for row in then_known],
    }


class Owner:
    """Acts at random moments to come: what the services let through is the history."""

    def __init__(self, node: Node, by: User, dice: random.Random) -> None:
        self.node, self.by, self.dice = node, by, dice
        self.at = clock.now()

    def soon(self) -> datetime:
        return self.at + self.dice.choice([0, 0, 5, 30]) * HOUR

    def publish(self) -> None:
        begins = self.soon()
        declared = factories.make_declared(network_year=Decimal(self.dice.randint(1, 9000)))
        publish_statement(
            node=self.node, declared=declared, effective_from=begins, published_by=self.by, at=self.at
        )

    def record_the_past(self) -> None:
        begins = self.at - self.dice.randint(20, 80) * HOUR
        publish_statement(
            node=self.node, declared=factories.make_declared(), effective_from=begins,
            effective_until=begins + self.dice.randint(1, 20) * HOUR, published_by=self.by, at=self.at,
        )  # fmt: skip

    def correct(self) -> None:
        last = CostStatement.objects.filter(node=self.node).order_by("-number").first()
        if last is not None:
            publish_statement(
                node=self.node, declared=factories.make_declared(active_kilowatts=Decimal(6)),
                effective_from=self.at, corrects=last, reason="Measured", published_by=self.by, at=self.at,
            )  # fmt: skip

    def ask(self) -> None:
        price = Decimal(self.dice.randint(80, 100)) / 100
        set_price(node=self.node, price=price, effective_from=self.soon(), by=self.by, at=self.at)

    def call_off(self) -> None:
        announced = Tariff.objects.filter(node=self.node, effective__startswith__gt=self.at).first()
        if announced is not None:
            call_off_tariff(tariff=announced, reason="Too soon", by=self.by, at=self.at)

    def charge(self) -> None:
        """The site’s fee, at most what follows from its costs."""
        costs = SiteCosts.objects.get()
        amount = Decimal(self.dice.randint(0, 50)) / 1000
        set_site_fee(
            amount=amount, effective_from=self.soon(), reason="Servers", by=costs.published_by, at=self.at
        )

    def withdraw(self) -> None:
        row = CostStatement.objects.filter(node=self.node, effective__upper_inf=True).first()
        if row is not None:
            withdraw_statement(
                statement=row, ends_at=self.soon() + HOUR, reason="Sold", by=self.by, at=self.at
            )


@pytest.mark.parametrize("seed", [1])
def test_asked_as_of_then_it_says_what_was_in_force_then(seed: int) -> None:
    lead = factories.make_user()
    node = factories.make_node(devices=8, owner=factories.make_organisation(lead=lead))
    factories.make_pricing_policy()
    factories.make_site_costs()
    owner = Owner(node, lead, random.Random(seed))
    answers: list[tuple[datetime, dict[str, Any]]] = []
    refused = 0
    acts: list[Callable[[], None]] = [
        owner.publish, owner.publish, owner.record_the_past, owner.correct, owner.ask, owner.ask, owner.ask,
        owner.withdraw, owner.call_off, owner.charge,
    ]  # fmt: skip
    for _ in range(30):
        try:
            owner.dice.choice(acts)()
        except PricingError:
            refused += 1
        for _ in range(2):
            answers.append((owner.at, ordinary(node, owner.at)))
            owner.at += owner.dice.randint(1, 12) * HOUR
    assert refused < 20
    assert len({str(said) for _, said in answers}) > 10
    for at, said in answers:
        assert as_it_stood(node, at) == said


def test_before_anything_was_published_nothing_answers() -> None:
    node = factories.make_node()
    before = clock.now() - DAY
    factories.publish_prices(node)  # in force since 30 days, published now
    assert ordinary(node, before)["statement"] == 1
    then = stood(node, at=before)
    assert (then.statement, then.tariff, then.fee, then.shares) == (None, None, None, ())


def test_a_pool_answers_with_the_share_that_was_published_then() -> None:
    lead = factories.make_user()
    node = factories.make_node(owner=factories.make_organisation(lead=lead))
    first = factories.make_pool({node: "4"}, by=lead, amount_year=Decimal(1000))
    at = clock.now()
    again = factories.make_pool(
        {node: "4"}, by=lead, amount_year=Decimal(2000), corrects=first, reason="Invoice came",
        effective_from=clock.now() + HOUR,
    )  # fmt: skip
    assert [one.amount_year for one in stood(node, at=at).shares] == [1000]
    assert [one.amount_year for one in stood(node, at=again.effective_from).shares] == [2000]
    assert stood(node, at=first.published_at - HOUR).shares == ()


def test_the_end_of_an_exception_is_not_told_before_it_was_ended() -> None:
    lead, steward = factories.make_user(), factories.make_user(is_steward=True)
    node = factories.make_node(devices=8, owner=factories.make_organisation(lead=lead))
    factories.make_pricing_policy()
    factories.publish_prices(node, by=lead)
    now = clock.now()
    exception = grant_price_exception(
        node=node, highest_price=Decimal(9), effective_from=now, effective_until=now + 30 * DAY,
        reason="Rare device", by=steward, at=now,
    )  # fmt: skip
    set_price(node=node, price=Decimal(5), effective_from=now, by=lead, at=now)
    before = ordinary(node, now)["periods"]
    end_price_exception(exception=exception, reason="Enough of them", by=steward, at=now + DAY)
    assert as_it_stood(node, now)["periods"] == before
    assert as_it_stood(node, now + DAY)["periods"] == ordinary(node, now + DAY)["periods"] != before
    assert stood(node, at=now).exception == exception
    assert stood(node, at=now + DAY).exception is None


def test_an_answer_takes_six_queries(django_assert_num_queries: Any) -> None:
    node = factories.make_node()
    factories.publish_prices(node)
    with django_assert_num_queries(6):
        stood(node, at=clock.now())


def test_what_answers_can_be_asked_of_many_nodes_at_once() -> None:
    now = clock.now()
    nodes = [factories.make_node() for _ in range(2)]
    for node in nodes[:2]:
        factories.publish_prices(node)
    found = Tariff.objects.filter(as_of.answering(clock.now())).values_list("node_id", flat=True)
    assert set(found) == {nodes[0].pk, nodes[1].pk}
    assert not Tariff.objects.filter(as_of.answering(now)).exists()
    assert between(now - 30 * DAY, None).lower < now
