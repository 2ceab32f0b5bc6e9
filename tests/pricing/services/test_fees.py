from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from common import clock
from pricing.errors import FeeRefused, PeriodTaken
from pricing.services.fees import set_site_fee

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def set_fee(amount: str = "0.02", reason: str = "Servers and two stewards", **fields):
    now = clock.now()
    return set_site_fee(amount=Decimal(amount), reason=reason, **{"effective_from": now, "at": now} | fields)


def test_a_fee_is_entered_in_the_ledger() -> None:
    fee = set_fee()
    assert json.loads(bytes(fee.entry.leaf))["body"]["amount"] == "0.020000"


def test_the_next_fee_ends_the_one_before_it() -> None:
    first = set_fee()
    start = clock.now() + DAY
    set_fee("0.03", effective_from=start)
    first.refresh_from_db()
    assert first.effective_until == start
    with pytest.raises(PeriodTaken):
        set_fee(effective_from=start)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"amount": "-0.01"}, "amount"), ({"amount": "NaN"}, "amount"), ({"reason": " "}, "reason")],
)
def test_it_names_what_is_wrong(changes: dict[str, str], field: str) -> None:
    with pytest.raises(FeeRefused) as refused:
        set_fee(**changes)
    assert refused.value.field == field


def test_a_fee_does_not_begin_in_another_age() -> None:
    with pytest.raises(FeeRefused, match="more than 366 days ahead") as refused:
        set_fee(effective_from=clock.now() + 367 * DAY)
    assert refused.value.field == "effective_from"
    at = clock.now()
    assert set_fee(effective_from=at + 366 * DAY, at=at).effective_until is None


@pytest.mark.parametrize("change", ["UPDATE pricing_sitefee SET amount = 0", "DELETE FROM pricing_sitefee"])
def test_a_published_fee_cannot_be_changed_by_anybody(change: str) -> None:
    set_fee()
    with pytest.raises(DatabaseError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
