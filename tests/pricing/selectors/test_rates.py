from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.django import TestCase

from common import clock
from nodes.models import Node
from pricing.domain.cost import Kind, split
from pricing.domain.declared import DayAheadMean, Support
from pricing.selectors import rates, waterfalls
from pricing.services.statements import publish_statement
from tests import factories

D = Decimal
pytestmark = pytest.mark.django_db


def ids(node: Node) -> list[int]:
    return list(node.devices.values_list("id", flat=True))


def test_a_hundred_devices_are_priced_in_one_query(django_assert_num_queries) -> None:
    node = factories.make_node(devices=100)
    tariff = factories.publish_prices(node, over_recovered="6000")
    devices = ids(node)
    with django_assert_num_queries(1):
        found = rates(device_ids=devices, at=clock.now())
    assert list(found) == devices
    rate = found[devices[0]]
    assert (rate.price, rate.tariff_id, rate.statement_id) == (tariff.price, tariff.pk, tariff.statement_id)
    assert (rate.weight, rate.fee, rate.publicly_funded_share) == (
        tariff.statement.full_available,
        0,
        D("0.6"),
    )


def test_devices_without_a_published_price_are_left_out() -> None:
    priced, silent = factories.make_node(), factories.make_node()
    factories.publish_prices(priced)
    only_cost = factories.make_node()
    publish_statement(
        node=only_cost, declared=factories.make_declared(), effective_from=clock.now(),
        published_by=factories.make_user(), at=clock.now(),
    )  # fmt: skip
    asked = ids(priced) + ids(silent) + ids(only_cost)
    assert set(rates(device_ids=asked, at=clock.now())) == set(ids(priced))
    assert rates(device_ids=asked, at=clock.now() - timedelta(days=31)) == {}


def test_the_waterfalls_of_several_nodes_take_one_query(django_assert_num_queries) -> None:
    nodes = [factories.make_node(devices=count) for count in (1, 2, 3)]
    for node in nodes:
        factories.publish_prices(node)
    firsts = [ids(node)[0] for node in nodes]
    priced = rates(device_ids=firsts, at=clock.now())
    with django_assert_num_queries(1):
        found = waterfalls([priced[device] for device in firsts])
    assert [steps[-1].amount for steps in found] == [priced[device].to_pay for device in firsts]
    assert len({steps[-1].amount for steps in found}) == 3


def test_s1_goes_from_full_cost_to_price_line_by_line() -> None:
    node = factories.make_node(devices=8)
    factories.publish_prices(node, over_recovered="6000")
    factories.set_fee()
    (steps,) = waterfalls([rates(device_ids=ids(node), at=clock.now())[ids(node)[0]]])
    assert [(step.code, str(step.amount), step.kind) for step in steps] == [
        ("purchase", "1.040478", "plus"),
        ("electricity", "0.152804", "plus"),
        ("hosting", "0.185799", "plus"),
        ("maintenance", "0.231217", "plus"),
        ("network", "0.041289", "plus"),
        ("licences", "0.030967", "plus"),
        ("staff", "0.253926", "plus"),
        ("insurance", "0.028902", "plus"),
        ("overhead", "0.235846", "plus"),
        ("full", "2.201228", "sum"),
        ("granted", "-0.699201", "minus"),
        ("chargeable", "1.502027", "sum"),
        ("carried", "-0.123867", "minus"),
        ("tariff", "1.378160", "sum"),
        ("fee", "0.020000", "plus"),
        ("to_pay", "1.398160", "price"),
    ]
    assert steps[0].label == "Purchase, spread over 5 years"
    assert steps[8].label == "Overhead, 12 % of the above"
    assert steps[12].label == "Over-recovered before, given back"


def test_a_cost_restated_after_the_tariff_is_a_line_of_its_own() -> None:
    node = factories.make_node(devices=8)
    factories.publish_prices(node, owner_adjustment="-0.5")  # low enough for the next statement, too
    now, cheaper = clock.now(), factories.make_declared(hosting_year=D(0))
    publish_statement(
        node=node, declared=cheaper, effective_from=now, published_by=factories.make_user(), at=now
    )
    (steps,) = waterfalls([rates(device_ids=ids(node), at=clock.now())[ids(node)[0]]])
    restated = next(step for step in steps if step.code == "restated")
    assert (restated.kind, restated.amount > D("0.2")) == ("plus", True)
    assert "hosting" not in [step.code for step in steps]
    assert_adds_up(steps)


def test_what_is_not_charged_says_whose_money_it_is() -> None:
    """At 4 % two fifths of 154,000 EUR cost 2,464 EUR a year, with overhead 2,759.68, on 48,439.296 hours."""
    node = factories.make_node(devices=8)
    support = (Support("University", Kind.HOSTING, D(9000)),)
    factories.publish_prices(node, declared=factories.make_declared(interest_rate=D("0.04"), support=support))
    (steps,) = waterfalls([rates(device_ids=ids(node), at=clock.now())[ids(node)[0]]])
    told = {step.code: step for step in steps}
    assert told["own_interest"].amount == D("-0.056972")
    public = D("33868.80") + 9000 * D("1.12")
    assert abs(told["granted"].amount + public / D("48439.296")) < D("0.000001")
    assert told["granted"].label == "Paid by public grants and support"
    assert_adds_up(steps)


def test_electricity_can_be_an_income() -> None:
    node = factories.make_node(devices=8)
    mean = DayAheadMean("FR", date(2025, 1, 1), date(2026, 1, 1), D(-20), 8760, 0)
    factories.publish_prices(node, declared=factories.make_declared(contract_price=None, day_ahead=mean))
    (steps,) = waterfalls([rates(device_ids=ids(node), at=clock.now())[ids(node)[0]]])
    electricity = next(step for step in steps if step.code == "electricity")
    assert (electricity.kind, electricity.amount < 0) == ("minus", True)
    assert_adds_up(steps)


def assert_adds_up(steps) -> None:
    level = D(0)
    for step in steps:
        if step.kind in ("sum", "price"):
            assert step.amount == level
        level = level if step.kind in ("sum", "price") else level + step.amount


class Waterfalls(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(0, 300_000), st.integers(0, 280_000), st.integers(-3000, 3000),
        st.decimals("-0.2", "0.5", places=6), st.integers(1, 9),
    )  # fmt: skip
    def test_every_total_is_the_sum_of_the_lines_above_it(
        self, staff: int, granted: int, over: int, adjustment: D, devices: int
    ) -> None:
        factories.make_pricing_policy(private_cap=D(5))
        node = factories.make_node(devices=devices)
        asset = factories.make_asset(funding=factories.granted(str(granted)))
        declared = factories.make_declared(staff_post_year=D(staff), assets=(asset,))
        factories.publish_prices(
            node, declared=declared, over_recovered=str(over), owner_adjustment=str(adjustment)
        )
        (steps,) = waterfalls([rates(device_ids=ids(node), at=clock.now())[ids(node)[0]]])
        assert_adds_up(steps)
        assert steps[-1].kind == "price"


def test_split_is_what_keeps_the_lines_exact() -> None:
    """Rounded one by one, S1's lines would come to 2.201229."""
    years = [
        D(year)
        for year in ("50400", "7401.70944", "9000", "11200", "2000", "1500", "12300", "1400", "11424.205133")
    ]
    one_by_one = sum(round(year / D("48439.296"), 6) for year in years)
    assert one_by_one == D("2.201229")
    assert sum(split(D("2.201228"), years)) == D("2.201228")
