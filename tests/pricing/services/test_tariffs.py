from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from common import clock
from pricing import files
from pricing.errors import PeriodTaken, TariffRefused
from pricing.models import CostStatement, Tariff
from pricing.services.statements import publish_statement
from pricing.services.tariffs import publish_tariff
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def make_statement(node=None, **fields) -> CostStatement:
    now = clock.now()
    return publish_statement(
        node=node or factories.make_node(devices=8),
        declared=factories.make_declared(),
        effective_from=now - 30 * DAY,
        published_by=factories.make_user(),
        at=now,
        **fields,
    )


def publish(statement=None, **fields) -> Tariff:
    now = clock.now()
    statement = statement or make_statement()
    fields = {"effective_from": now, "at": now, "published_by": statement.published_by} | fields
    return publish_tariff(statement=statement, **fields)


def test_s1_gives_back_what_it_over_recovered() -> None:
    tariff = publish(over_recovered=Decimal(6000))
    assert tariff.price == Decimal("1.378160")
    assert tariff.statement.chargeable_delivered + tariff.carried == tariff.price


def test_what_the_owner_leaves_off_is_a_figure_of_its_own() -> None:
    tariff = publish(owner_adjustment=Decimal("-0.502027"))
    assert (tariff.price, tariff.carried) == (Decimal(1), 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"owner_adjustment": Decimal(-2)}, "owner_adjustment"),
        ({"over_recovered": Decimal(100_000)}, "over_recovered"),
    ],
)
def test_a_price_below_zero_is_refused(changes: dict[str, Decimal], field: str) -> None:
    with pytest.raises(TariffRefused, match="below zero") as refused:
        publish(**changes)
    assert refused.value.field == field


def test_it_is_derived_from_the_statement_in_force_on_its_day() -> None:
    with pytest.raises(TariffRefused, match="Cost statement 1 is not in force"):
        publish(effective_from=clock.now() - 40 * DAY)
    ended = make_statement(effective_until=clock.now() - 10 * DAY)
    with pytest.raises(TariffRefused, match="not in force"):
        publish(ended)


def test_the_next_tariff_ends_the_one_before_it() -> None:
    statement = make_statement()
    first = publish(statement)
    start = clock.now() + DAY
    second = publish(statement, effective_from=start)
    first.refresh_from_db()
    assert (first.effective_until, second.number) == (start, 2)
    with pytest.raises(PeriodTaken):
        publish(statement, effective_from=start)


def test_the_ledger_holds_the_digest_of_what_the_row_says() -> None:
    tariff = Tariff.objects.select_related("entry", "statement", "node").get(pk=publish().pk)
    body = json.loads(bytes(tariff.entry.leaf))["body"]
    assert body["digest"] == tariff.digest == files.digest(files.tariff_body(tariff))


def test_a_correction_says_why_and_stays_on_its_node() -> None:
    statement = make_statement()
    first = publish(statement)
    with pytest.raises(TariffRefused, match="says why"):
        publish(statement, corrects=first)
    with pytest.raises(TariffRefused, match="another node"):
        publish(corrects=first, reason="Wrong node")
    assert publish(statement, corrects=first, reason="Deficit forgotten").corrects == first


def test_an_end_before_the_beginning_is_refused() -> None:
    now = clock.now()
    with pytest.raises(TariffRefused, match="before the beginning"):
        publish(effective_from=now, effective_until=now - DAY)


@pytest.mark.parametrize("change", ["UPDATE pricing_tariff SET price = 0", "DELETE FROM pricing_tariff"])
def test_a_published_tariff_cannot_be_changed_by_anybody(change: str) -> None:
    publish()
    with pytest.raises(DatabaseError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_the_database_refuses_two_tariffs_for_one_moment() -> None:
    tariff = publish()
    tariff.pk, tariff.number, tariff.entry = None, 2, factories.make_entry()
    tariff.uid = tariff.entry.uid
    with pytest.raises(DatabaseError, match="tariffs_do_not_overlap"), transaction.atomic():
        Tariff.objects.bulk_create([tariff])
