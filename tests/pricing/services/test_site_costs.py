"""What the site costs, published: the fee follows it, and two can never be in force at once."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.errors import StewardActRefused
from common import clock
from common.access import NotAllowed
from common.ids import uuid7
from common.ranges import between
from pricing import files
from pricing.errors import FeeAboveCosts, PeriodTaken, PricingError, SiteCostsRefused
from pricing.models import SiteCosts, SiteFee
from pricing.services.fees import set_site_fee
from tests import factories
from tests.races import at_once, split

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
D = Decimal


def publish(**said: Any) -> SiteCosts:
    return factories.make_site_costs(**{"effective_from": None, **said})


def test_costs_are_published_with_their_digest_and_their_entry() -> None:
    made = publish(fee=D("0.02"))
    body = json.loads(bytes(made.entry.leaf))["body"]
    assert (made.number, made.total_year, made.highest_fee) == (1, D(50000), D("0.05"))
    assert (body["highest_fee"], body["digest"]) == ("0.050000", made.digest)
    assert body["costs"]["items"][0]["kind"] == "hosting"
    made.refresh_from_db()
    assert files.digest(files.site_costs_body(made)) == made.digest
    fee = SiteFee.objects.get()
    assert (fee.statement, fee.amount, fee.effective_from) == (made, D("0.02"), made.effective_from)


def test_a_correction_ends_what_it_corrects_and_says_why() -> None:
    first = publish(fee=D("0.02"))
    second = publish(
        costs=factories.site_costs_of("25000"), corrects=first, reason="The rent was counted twice."
    )
    first.refresh_from_db()
    assert first.effective_until == second.effective_from
    assert (second.corrects, second.number) == (first, 2)
    before, after = SiteFee.objects.order_by("pk")
    assert before.effective_until == after.effective_from == second.effective_from
    assert (after.amount, after.statement) == (D("0.02"), second)


def test_costs_under_which_the_fee_does_not_follow_need_a_lower_one() -> None:
    publish(fee=D("0.05"))
    cheaper = factories.site_costs_of("10000")
    with pytest.raises(FeeAboveCosts) as refused:
        publish(costs=cheaper)
    assert (refused.value.field, refused.value.details["limit"]) == ("fee", "0.03")
    assert SiteCosts.objects.get().effective_until is None
    publish(costs=cheaper, fee=D("0.03"))
    now = clock.now()
    assert SiteFee.objects.get(effective__contains=now).amount == D("0.03")


def test_where_no_fee_was_said_none_is_made_up() -> None:
    publish()
    publish(costs=factories.site_costs_of("40000"))
    assert not SiteFee.objects.exists()


def test_it_is_for_stewards_and_for_a_reason() -> None:
    with pytest.raises(NotAllowed):
        publish(by=factories.make_user())
    with pytest.raises(StewardActRefused):
        publish(reason=" ")
    assert not SiteCosts.objects.exists()


def test_every_fault_is_said_under_its_field() -> None:
    costs = factories.site_costs_of("0", device_hours=D("0"), subsidy_year=D(5), subsidy_source="")
    with pytest.raises(SiteCostsRefused) as refused:
        publish(costs=costs)
    found: Any = refused.value.details["faults"]
    assert set(found) == {
        "items.hosting.amount_year", "device_hours", "subsidy_source",
    }  # fmt: skip
    assert "3 faults" in refused.value.message


def test_the_same_costs_are_not_published_twice() -> None:
    publish()
    with pytest.raises(SiteCostsRefused, match="statement 1 already"):
        publish()


def test_nothing_begins_in_the_past_of_what_is_in_force_or_in_another_age() -> None:
    factories.make_site_costs()
    other = factories.site_costs_of("1")
    with pytest.raises(SiteCostsRefused, match="not in the past"):
        publish(costs=other, effective_from=clock.now() - DAY)
    with pytest.raises(SiteCostsRefused, match="more than 31 days ahead"):
        publish(costs=other, effective_from=clock.now() + 32 * DAY)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pricing_sitecosts SET highest_fee = 1", "DELETE FROM pricing_sitecosts",
        "UPDATE pricing_sitecosts SET costs = '{}'",
    ],
)  # fmt: skip
def test_published_costs_cannot_be_changed_by_anybody(change: str) -> None:
    publish()
    with pytest.raises(DatabaseError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_the_database_ends_no_costs_before_the_fee_that_follows_from_them() -> None:
    made = publish(fee=D("0.02"))
    with pytest.raises(DatabaseError, match="would outlast"), transaction.atomic():
        SiteCosts.objects.update(effective=between(made.effective_from, clock.now() + DAY))


def test_the_database_takes_no_highest_fee_that_brings_in_more_than_the_costs() -> None:
    now = clock.now()
    with pytest.raises(DatabaseError, match="covers_no_more"), transaction.atomic():
        SiteCosts.objects.create(
            number=1, effective=between(now, None), costs={}, total_year=1, subsidy_year=0, device_hours=3,
            highest_fee=D("0.333334"), digest="0" * 64, entry=factories.make_entry(),
            published_by=factories.make_user(), published_at=now,
        )  # fmt: skip


# --- at once -----------------------------------------------------------------------------------------
def in_force_together(model: type[SiteCosts] | type[SiteFee]) -> list[tuple[int, int]]:
    in_order = sorted(model.objects.all(), key=lambda row: row.effective_from)
    return [
        (one.pk, other.pk)
        for one, other in pairwise(in_order)
        if one.effective_until is None or one.effective_until > other.effective_from
    ]


@pytest.mark.django_db(transaction=True)
def test_of_costs_published_at_once_one_is_in_force() -> None:
    """Without the lock the others would end the row in force, too, and get no sentence."""
    first, at = factories.make_site_costs(fee=D("0.02")), clock.now()
    again = partial(publish, by=first.published_by, at=at, effective_from=at)
    costs = [factories.site_costs_of(str(amount)) for amount in (31000, 32000, 33000)]
    done, refused = split(at_once(*(partial(again, costs=one) for one in costs), meeting_at=SiteFee))
    assert (len(done), [type(error) for error in refused]) == (1, [PeriodTaken] * 2)
    assert (SiteCosts.objects.count(), SiteFee.objects.count()) == (2, 2)
    assert (in_force_together(SiteCosts), in_force_together(SiteFee)) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_a_fee_set_while_costs_fall_follows_from_the_costs_it_names() -> None:
    """Whoever is first, the other sees it: a fee of 0.05 is never in force under costs of 0.03."""
    first, at = factories.make_site_costs(fee=D("0.02")), clock.now()
    dear = partial(
        set_site_fee, amount=D("0.05"), effective_from=at, reason="More", by=first.published_by, at=at
    )
    cheap = partial(
        publish, costs=factories.site_costs_of("10000"), fee=D("0.03"), by=first.published_by, at=at,
        effective_from=at,
    )  # fmt: skip
    done, refused = split(at_once(dear, cheap, meeting_at=SiteFee))
    assert (len(done), len(refused)) == (1, 1)
    assert isinstance(refused[0], PricingError)
    assert in_force_together(SiteFee) == []
    for fee in SiteFee.objects.select_related("statement"):
        assert fee.statement is not None
        assert fee.amount <= fee.statement.highest_fee
        assert fee.effective_from in fee.statement.effective


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_lets_one_of_two_that_overlap_in() -> None:
    """As if nobody looked: rows written by hand at the same moment."""
    made, now = factories.make_site_costs(), clock.now()
    SiteCosts.objects.update(effective=between(made.effective_from, now))
    rows = []
    for number in (2, 3):
        row = SiteCosts.objects.get(pk=made.pk)
        row.pk, row.uid, row.number = None, uuid7(), number
        row.effective, row.entry = between(now, None), factories.make_entry()
        rows.append(row)
    done, refused = split(at_once(*(row.save for row in rows), meeting_at=SiteCosts))
    assert (len(done), len(refused)) == (1, 1)
    # Two that wait for each other at the constraint are a deadlock to PostgreSQL: it lets one in, too.
    assert any(said in str(refused[0]) for said in ("site_costs_do_not_overlap", "deadlock detected"))
    assert in_force_together(SiteCosts) == []
