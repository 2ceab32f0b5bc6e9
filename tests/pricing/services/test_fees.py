"""The site's fee: at most what follows from the costs in force, and one at a time."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from common import clock
from common.access import NotAllowed
from common.ranges import between
from pricing.errors import FeeAboveCosts, FeeRefused, PeriodTaken
from pricing.models import SiteFee
from pricing.services.fees import set_site_fee
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def set_fee(amount: str = "0.02", reason: str = "Servers and two stewards", **said: Any) -> SiteFee:
    at = clock.now()
    said = {"effective_from": None, "at": at, **said}
    said.setdefault("by", factories.make_user(is_steward=True))
    return set_site_fee(amount=Decimal(amount), reason=reason, **said)


def test_a_fee_is_entered_in_the_ledger_with_what_it_follows_from() -> None:
    costs = factories.make_site_costs()
    fee = set_fee()
    body = json.loads(bytes(fee.entry.leaf))["body"]
    assert (body["amount"], body["statement"]) == ("0.020000", str(costs.uid))
    assert fee.statement == costs


def test_the_next_fee_ends_the_one_before_it() -> None:
    factories.make_site_costs()
    first = set_fee()
    start = clock.now() + DAY
    set_fee("0.03", effective_from=start)
    first.refresh_from_db()
    assert first.effective_until == start
    with pytest.raises(PeriodTaken):
        set_fee(effective_from=start)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "-0.01"}, "amount"), ({"amount": "NaN"}, "amount"), ({"reason": " "}, "reason"),
        ({"amount": "0.0200001"}, "amount"),
    ],
)  # fmt: skip
def test_it_names_what_is_wrong(changes: dict[str, str], field: str) -> None:
    factories.make_site_costs()
    with pytest.raises(FeeRefused) as refused:
        set_fee(**changes)
    assert refused.value.field == field


def test_a_fee_does_not_begin_in_another_age() -> None:
    factories.make_site_costs()
    with pytest.raises(FeeRefused, match="more than 31 days ahead") as refused:
        set_fee(effective_from=clock.now() + 32 * DAY)
    assert refused.value.field == "effective_from"
    at = clock.now()
    assert set_fee(effective_from=at + 31 * DAY, at=at).effective_until is None


def test_nobody_but_a_steward_sets_it() -> None:
    factories.make_site_costs()
    with pytest.raises(NotAllowed):
        set_fee(by=factories.make_user())


def test_a_fee_above_what_follows_is_refused_with_what_would_pass() -> None:
    factories.make_site_costs(
        costs=factories.site_costs_of(subsidy_year=Decimal(20000), subsidy_source="A region")
    )
    with pytest.raises(FeeAboveCosts) as refused:
        set_fee("0.030001")
    assert str(refused.value.message).replace("\xa0", " ") == (
        "The fee is 0.030001 EUR. What the site costs allows at most 0.03 EUR: 50,000 EUR a year less a"
        " subsidy of 20,000 EUR, over 1,000,000 device-hours."
    )
    assert (refused.value.details["limit"], refused.value.details["actual"]) == ("0.03", "0.030001")
    assert set_fee("0.03").amount == Decimal("0.03")
    assert set_fee("0").amount == 0


def test_without_published_costs_nothing_but_zero_follows() -> None:
    with pytest.raises(FeeAboveCosts, match="no statement of what the site costs is in force") as refused:
        set_fee("0.000001")
    assert refused.value.details["limit"] == "0"
    assert set_fee("0").statement is None


def test_a_fee_ends_with_the_costs_that_it_follows_from() -> None:
    """The next costs are announced, with no fee said yet: an earlier fee does not reach into them."""
    factories.make_site_costs()
    start = clock.now() + 10 * DAY
    factories.make_site_costs(costs=factories.site_costs_of("10000"), effective_from=start)
    assert set_fee("0.05").effective_until == start
    with pytest.raises(FeeAboveCosts):
        set_fee("0.05", effective_from=start + DAY)
    assert set_fee("0.03", effective_from=start + DAY).effective_until is None


@pytest.mark.parametrize("change", ["UPDATE pricing_sitefee SET amount = 0", "DELETE FROM pricing_sitefee"])
def test_a_published_fee_cannot_be_changed_by_anybody(change: str) -> None:
    factories.set_fee()
    with pytest.raises(DatabaseError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.parametrize(
    ("amount", "named", "days", "said"),
    [
        ("0.01", False, 0, "follows from what the site says it costs"),
        ("0.050001", True, 0, "at most what follows"),
        ("0.01", True, -100, "while the costs that it follows from are in force"),
    ],
)
def test_the_database_keeps_a_fee_within_its_costs(amount: str, named: bool, days: int, said: str) -> None:
    costs, now = factories.make_site_costs(), clock.now()
    with pytest.raises(DatabaseError, match=said), transaction.atomic():
        SiteFee.objects.create(
            effective=between(now + days * DAY, None), statement=costs if named else None,
            amount=Decimal(amount), reason="By hand", entry=factories.make_entry(), published_at=now,
        )  # fmt: skip
