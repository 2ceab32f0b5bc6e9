from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from common import clock
from common.ids import uuid7
from common.ranges import between
from pricing import files
from pricing.domain.declared import DayAheadMean, Kind, Support
from pricing.errors import PeriodTaken, StatementRefused
from pricing.models import CostComponent, CostStatement
from pricing.services.statements import publish_statement
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def publish(node=None, declared=None, **fields) -> CostStatement:
    now = clock.now()
    fields = {"effective_from": now, "at": now} | fields
    return publish_statement(
        node=node or factories.make_node(devices=8),
        declared=declared or factories.make_declared(),
        published_by=fields.pop("published_by", None) or factories.make_user(),
        **fields,
    )


def test_it_publishes_s1_as_worked_out_by_hand() -> None:
    statement = publish()
    statement.refresh_from_db()
    assert (statement.number, statement.device_count) == (1, 8)
    assert statement.available_device_hours == Decimal("67276.8000")
    assert statement.delivered_device_hours == Decimal("48439.2960")
    assert (statement.full_available, statement.full_delivered) == (Decimal("1.584884"), Decimal("2.201228"))
    assert statement.chargeable_delivered == Decimal("1.502027")
    assert statement.publicly_funded_share == Decimal("0.6")


def test_its_lines_add_up_to_the_year() -> None:
    lines = publish().components.all()
    assert sum(line.full_year for line in lines) == Decimal("106625.914573")
    assert sum(line.chargeable_year for line in lines) == Decimal("72757.114573")


def test_the_ledger_holds_the_digest_of_what_the_row_says() -> None:
    number = publish().pk
    statement = CostStatement.objects.select_related("node", "entry").get(pk=number)
    again = files.digest(files.statement_body(statement, list(statement.components.all())))
    leaf = json.loads(bytes(statement.entry.leaf))
    assert leaf["kind"] == "cost_statement"
    assert leaf["body"]["digest"] == statement.digest == again


def test_the_next_statement_ends_the_one_before_it_and_leaves_its_digest_alone() -> None:
    node, now = factories.make_node(devices=8), clock.now()
    first = publish(node, effective_from=now - 30 * DAY)
    second = publish(node, effective_from=now + DAY)
    first.refresh_from_db()
    assert first.effective == between(now - 30 * DAY, now + DAY)
    assert (second.number, second.effective.upper) == (2, None)
    assert files.digest(files.statement_body(first, list(first.components.all()))) == first.digest


@pytest.mark.parametrize("start", [timedelta(0), -DAY])
def test_nothing_begins_under_a_statement_that_is_announced(start: timedelta) -> None:
    node, now = factories.make_node(devices=8), clock.now()
    publish(node, effective_from=now + DAY)
    with pytest.raises(PeriodTaken, match="takes effect on") as refused:
        publish(node, effective_from=now + DAY + start)
    assert refused.value.field == "effective_from"


def test_what_people_were_told_in_the_past_stands() -> None:
    node, now = factories.make_node(devices=8), clock.now()
    publish(node, effective_from=now - 30 * DAY)
    with pytest.raises(PeriodTaken, match="not in the past"):
        publish(node, effective_from=now - DAY, at=now)


def test_a_time_that_is_past_can_be_recorded_where_nothing_was_published() -> None:
    node, now = factories.make_node(devices=8), clock.now()
    publish(node, effective_from=now - 60 * DAY, effective_until=now - 30 * DAY)
    assert publish(node, effective_from=now - 30 * DAY).number == 2
    with pytest.raises(PeriodTaken, match="choose a time outside"):
        publish(node, effective_from=now - 40 * DAY, effective_until=now - 35 * DAY)


def test_an_end_before_the_beginning_is_refused() -> None:
    now = clock.now()
    with pytest.raises(StatementRefused) as refused:
        publish(effective_from=now, effective_until=now)
    assert refused.value.field == "effective_until"


def test_a_correction_names_what_it_corrects_and_why() -> None:
    node, now = factories.make_node(devices=8), clock.now()
    first = publish(node, effective_from=now - DAY)
    with pytest.raises(StatementRefused, match="says why"):
        publish(node, corrects=first, effective_from=now, at=now)
    second = publish(node, corrects=first, reason="Staff counted twice", effective_from=now, at=now)
    assert second.corrects == first
    body = json.loads(bytes(second.entry.leaf))["body"]
    assert (body["corrects"], body["reason"]) == (str(first.uid), "Staff counted twice")


def test_a_correction_stays_on_its_node() -> None:
    with pytest.raises(StatementRefused, match="another node"):
        publish(corrects=publish(), reason="Wrong node")


def test_a_declaration_that_cannot_be_true_is_refused_field_by_field() -> None:
    wrong = replace(factories.make_declared(), used_share=Decimal("1.2"), pue=Decimal("0.5"))
    with pytest.raises(StatementRefused, match="cannot be above 100 %") as refused:
        publish(declared=wrong)
    assert refused.value.details["faults"] == {
        "used_share": "Used hours is 120 %; it cannot be above 100 %.",
        "pue": "PUE is 0.5; it cannot be below 1.",
    }
    assert not CostStatement.objects.exists()


def test_a_node_that_earns_on_its_electricity_cannot_be_published() -> None:
    """Its hours would weigh less than nothing in the fair share."""
    mean = DayAheadMean("FR", date(2025, 1, 1), date(2026, 1, 1), Decimal(-5000), 8760, 0)
    with pytest.raises(StatementRefused, match="costs nothing") as refused:
        publish(declared=factories.make_declared(contract_price=None, day_ahead=mean))
    assert refused.value.field == "assets"


def test_support_above_its_component_and_absurd_sums_are_refused_by_name() -> None:
    support = (Support("University", Kind.HOSTING, Decimal(9001)),)
    with pytest.raises(StatementRefused, match="costs 9,000 EUR a year") as refused:
        publish(declared=factories.make_declared(support=support))
    assert refused.value.field == "support.hosting"
    with pytest.raises(StatementRefused, match="it can cost at most 1,000,000,000 EUR"):
        publish(declared=factories.make_declared(hosting_year=Decimal(10) ** 9))
    assert not CostStatement.objects.exists()


def test_a_node_without_devices_has_nothing_to_spread_its_cost_over() -> None:
    with pytest.raises(StatementRefused, match="no devices"):
        publish(factories.make_node(devices=0))


def test_devices_of_two_models_are_two_nodes() -> None:
    node = factories.make_node(devices=2)
    node.devices.filter(index=1).update(model_key="l4-24")
    with pytest.raises(StatementRefused, match="h100-sxm5-80, l4-24"):
        publish(node)


def test_days_are_counted_where_the_node_stands() -> None:
    """23:30 UTC on 30 September is already 1 October in Paris, and the machine is worn out."""
    asset = factories.make_asset(purchased_on=datetime(2021, 10, 1, tzinfo=UTC).date())
    worn = factories.make_declared(assets=(asset,))
    statement = publish(declared=worn, effective_from=datetime(2026, 9, 30, 23, 30, tzinfo=UTC))
    assert statement.components.get(kind="purchase").full_year == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pricing_coststatement SET full_delivered = 1",
        "UPDATE pricing_coststatement SET effective = tstzrange(now() - interval '9 days', NULL)",
        "UPDATE pricing_coststatement SET effective = tstzrange(lower(effective), now() - interval '1 day')",
        "UPDATE pricing_coststatement SET effective = tstzrange(lower(effective), now()), reason = 'x'",
        "DELETE FROM pricing_coststatement",
        "UPDATE pricing_costcomponent SET full_year = 0",
        "DELETE FROM pricing_costcomponent",
    ],
)
def test_a_published_row_cannot_be_changed_by_anybody(change: str) -> None:
    publish(effective_from=clock.now() - 3 * DAY)
    with pytest.raises(DatabaseError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_an_end_once_set_stands() -> None:
    now = clock.now()
    statement = publish(effective_from=now, effective_until=now + DAY)
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
        CostStatement.objects.filter(pk=statement.pk).update(effective=between(now, now + 2 * DAY))


def test_the_database_refuses_two_statements_for_one_moment() -> None:
    statement = publish()
    with pytest.raises(DatabaseError, match="statements_do_not_overlap"), transaction.atomic():
        CostStatement.objects.bulk_create([_copy(statement)])
    assert CostComponent.objects.values("statement").distinct().count() == 1


def _copy(statement: CostStatement) -> CostStatement:
    statement.pk, statement.uid, statement.number = None, uuid7(), 2
    statement.entry = factories.make_entry()
    return statement
