"""How far a price may lie above its cost: what is refused, what an exception lets through, how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from accounts.errors import StewardActRefused
from accounts.models import Notice, OrganisationMembership, User
from common import clock
from common.access import NotAllowed
from common.ranges import between, bounds
from ledger.errors import EntryRefused
from ledger.models import Entry
from nodes.models import Node
from pricing import files
from pricing.domain.capping import Rules
from pricing.errors import AboveCap, CapRefused, PeriodTaken, PriceExceptionRefused, TariffRefused
from pricing.models import CostStatement, PriceException, PricingPolicy, Tariff
from pricing.selectors.caps import prices_above
from pricing.services.price_exceptions import end_price_exception, grant_price_exception
from pricing.services.pricing_policies import publish_pricing_policy
from pricing.services.statements import publish_statement
from pricing.services.tariffs import derived_price, publish_tariff, set_price
from pricing.services.withdrawing import withdraw_statement
from tests import factories
from tests.races import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
RULES = Rules(Decimal("0.1"), Decimal(0), Decimal("0.5"), 24)


def make_steward() -> User:
    return factories.make_user(is_steward=True)


def make_statement(
    *, is_public: bool = False, node: Node | None = None, since: datetime | None = None, **declared: Any
) -> CostStatement:
    """S1: a chargeable cost of 1.502027 EUR per delivered device-hour at 72 % use."""
    owner = factories.make_organisation(is_public_body=is_public)
    now = clock.now()
    return publish_statement(
        node=node or factories.make_node(devices=8, owner=owner),
        declared=factories.make_declared(**declared), effective_from=since or now - 30 * DAY,
        published_by=factories.make_user(), at=now,
    )  # fmt: skip


def ask(statement: CostStatement, price: str | None, **said: Any) -> Tariff:
    at = clock.now()
    wanted = None if price is None else Decimal(price)
    said = {"effective_from": at, "at": at, **said}
    return set_price(node=statement.node, price=wanted, by=statement.published_by, **said)


def publish(rules: Rules = RULES, **said: Any) -> PricingPolicy:
    at = said.pop("at", None) or clock.now()
    said = {"effective_from": None, "reason": "A tenth at most.", "by": make_steward(), **said}
    return publish_pricing_policy(rules=rules, at=at, **said)


def grant(node: Node, price: str = "3", **said: Any) -> PriceException:
    at = said.pop("at", None) or clock.now()
    said = {
        "effective_from": None, "effective_until": at + 20 * DAY,
        "reason": "A rare device, until more are here.", "by": said.pop("by", None) or make_steward(), **said,
    }  # fmt: skip
    return grant_price_exception(node=node, highest_price=Decimal(price), at=at, **said)


def end(exception: PriceException, **said: Any) -> PriceException:
    said = {
        "reason": "More are here.",
        "by": said.pop("by", None) or make_steward(),
        "at": clock.now(),
        **said,
    }
    return end_price_exception(exception=exception, **said)


# --- the policy ------------------------------------------------------------------------------------
def test_a_policy_is_numbered_dated_and_entered_with_its_reason() -> None:
    first = publish()
    later = clock.now() + DAY
    second = publish(Rules(Decimal("0.2"), Decimal(0), Decimal("0.6"), 24), effective_from=later)
    first.refresh_from_db()
    assert (first.version, second.version, first.effective_until) == (1, 2, later)
    body = json.loads(bytes(second.entry.leaf))["body"]
    assert (body["private_cap"], body["utilisation_floor"], body["reason"]) == (
        "0.2",
        "0.6",
        "A tenth at most.",
    )
    assert body["digest"] == second.digest == files.digest(files.pricing_policy_body(second))


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"private_cap": "10"}, "private_cap", "1,000 %; a price can be allowed to lie at most 100 %"),
        ({"private_cap": "-0.1"}, "private_cap", "cannot be below zero"),
        ({"public_cap": "0.2"}, "public_cap", "cannot be above that of private nodes, 10 %"),
        ({"utilisation_floor": "0"}, "utilisation_floor", "lies above zero"),
        ({"utilisation_floor": "1.1"}, "utilisation_floor", "at most 100 %"),
        ({"window_months": 0}, "window_months", "It is 0 months; it can be 1 to 60"),
    ],
)
def test_an_unsound_policy_names_every_fault(changes: dict[str, Any], field: str, said: str) -> None:
    numbers: dict[str, Any] = {
        name: Decimal(wrong) if isinstance(wrong, str) else wrong for name, wrong in changes.items()
    }
    rules = replace(RULES, **numbers)
    with pytest.raises(CapRefused) as refused:
        publish(rules)
    faults: Any = refused.value.details["faults"]
    assert said in faults[field]
    assert not PricingPolicy.objects.exists()


def test_the_same_numbers_again_and_the_past_are_refused() -> None:
    publish()
    with pytest.raises(CapRefused, match="version 1 already"):
        publish()
    ask(make_statement(), None)
    with pytest.raises(CapRefused, match="not in the past") as refused:
        publish(Rules(Decimal("0.2"), Decimal(0), Decimal("0.5"), 24), effective_from=clock.now() - DAY)
    assert refused.value.field == "effective_from"


def test_before_the_first_price_a_policy_may_begin_in_the_past() -> None:
    begun = clock.now() - 300 * DAY
    assert publish(effective_from=begun).effective_from == begun


def test_only_stewards_publish_it_with_a_reason() -> None:
    with pytest.raises(NotAllowed):
        publish(by=factories.make_user())
    with pytest.raises(StewardActRefused, match="Write why"):
        publish(reason=" ")
    with pytest.raises(EntryRefused, match="e-mail"):
        publish(reason="Asked by ada@example.org")
    assert not PricingPolicy.objects.exists()


@pytest.mark.parametrize(
    "change", ["UPDATE pricing_pricingpolicy SET private_cap = 1", "DELETE FROM pricing_pricingpolicy"]
)
def test_a_published_policy_cannot_be_changed_by_anybody(change: str) -> None:
    publish()
    with pytest.raises(DatabaseError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.django_db(transaction=True)
def test_two_stewards_at_once_publish_two_versions_one_after_the_other() -> None:
    one, other, at = make_steward(), make_steward(), clock.now()
    twentieth = Rules(Decimal("0.05"), Decimal(0), Decimal("0.5"), 24)
    answers = at_once(
        partial(publish, by=one, at=at, effective_from=at + DAY),
        partial(publish, twentieth, by=other, at=at, effective_from=at + 2 * DAY),
    )
    kept = [one for one in answers if isinstance(one, PricingPolicy)]
    # Whoever takes effect later and came first leaves no room for the earlier one.
    assert all(isinstance(one, PricingPolicy | PeriodTaken) for one in answers)
    assert sorted(one.version for one in kept) == list(range(1, len(kept) + 1))


# --- the cap ---------------------------------------------------------------------------------------
def test_a_private_price_may_lie_within_the_cap_and_not_a_millionth_above() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    limit = ask(statement, "1.6").limit
    assert limit == Decimal("1.652229")  # 1.502026672... x 1.1
    with pytest.raises(AboveCap) as refused:
        ask(statement, "1.652230")
    assert refused.value.field == "price"
    assert refused.value.message == (
        "The price is 1.65223 EUR. The cap of pricing policy 1 allows at most 1.652229 EUR: a chargeable cost"
        " of 1.502027 EUR an hour at 72 % use, and 10 % more. Ask that or less, or ask a steward for a"
        " public exception."
    )
    assert refused.value.details["limit"] == "1.652229"
    assert refused.value.details["actual"] == "1.65223"
    assert ask(statement, "1.652229", effective_from=clock.now() + DAY).price == limit


@pytest.mark.parametrize("year", [48_000, 48_001, 48_003, 48_007, 48_011])
def test_on_a_public_node_the_price_that_follows_is_the_highest(year: int) -> None:
    """However it is rounded: else a public owner could not ask what an hour costs."""
    factories.make_pricing_policy()
    statement = make_statement(is_public=True, network_year=round(Decimal(year) / 7, 12))
    tariff = ask(statement, None)
    assert tariff.price == tariff.limit == derived_price(statement).price
    with pytest.raises(AboveCap):
        ask(statement, str(tariff.price + Decimal("0.000001")))


def test_idle_hours_cannot_hide_a_margin() -> None:
    """At a quarter of the hours an hour costs twice what it does at the floor, and only that may be asked."""
    factories.make_pricing_policy()
    statement = make_statement(is_public=True, used_share=Decimal("0.25"))
    derived = derived_price(statement).price
    tariff = ask(statement, None)
    assert tariff.price == tariff.limit < derived
    assert abs(tariff.price * 2 - derived) <= Decimal("0.000002")
    with pytest.raises(AboveCap, match=r"at 50 % use, the floor\. Ask"):
        ask(statement, str(derived))


def test_what_was_over_recovered_lowers_the_limit() -> None:
    factories.make_pricing_policy()
    statement = make_statement(is_public=True)
    fields: dict[str, Any] = {"statement": statement, "published_by": statement.published_by}
    at = clock.now()
    tariff = publish_tariff(effective_from=at, at=at, over_recovered=Decimal(6000), **fields)
    assert tariff.price == tariff.limit == Decimal("1.378160")
    with pytest.raises(AboveCap):
        publish_tariff(
            effective_from=at + DAY, at=at, over_recovered=Decimal(6000),
            owner_adjustment=Decimal("0.01"), **fields,
        )  # fmt: skip


def test_without_a_policy_in_force_a_price_adds_nothing_to_its_cost() -> None:
    statement = make_statement(used_share=Decimal("0.1"))
    tariff = ask(statement, None)
    assert (tariff.policy, tariff.limit) == (None, None)
    assert tariff.price == derived_price(statement).price
    with pytest.raises(AboveCap, match="No pricing policy is in force on") as refused:
        ask(statement, str(tariff.price + 1))
    assert refused.value.details["policy"] is None


def test_a_price_is_held_against_the_policy_of_the_day_it_takes_effect() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    later = clock.now() + 3 * DAY
    publish(Rules(Decimal("0.5"), Decimal(0), Decimal("0.5"), 24), effective_from=later)
    with pytest.raises(AboveCap):
        ask(statement, "2")
    assert ask(statement, "2", effective_from=later).policy == PricingPolicy.objects.get(version=2)


def test_the_digest_of_a_tariff_covers_what_it_was_held_against() -> None:
    factories.make_pricing_policy()
    ask(make_statement(), "1.6")
    tariff = Tariff.objects.select_related("entry", "policy", "statement", "node").get()
    body = files.tariff_body(tariff)
    assert (body["policy"], body["limit"], body["exception"]) == (1, "1.652229", None)
    entry = json.loads(bytes(tariff.entry.leaf))["body"]
    assert (entry["limit"], entry["digest"]) == ("1.652229", files.digest(body))


# --- exceptions ------------------------------------------------------------------------------------
def test_a_price_above_the_cap_needs_an_exception_and_ends_with_it() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    exception = grant(statement.node)
    tariff = ask(statement, "3")
    assert (tariff.exception, tariff.effective_until) == (exception, exception.effective.upper)
    assert tariff.limit == Decimal("1.652229")
    with pytest.raises(AboveCap, match=r"The exception in force allows at most 3 EUR") as refused:
        ask(statement, "3.000001")
    assert refused.value.details["limit"] == "3"


def test_a_price_under_an_exception_ends_with_a_statement_that_is_withdrawn() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    grant(statement.node)
    tariff, now = ask(statement, "3"), clock.now()
    ended = withdraw_statement(
        statement=statement, ends_at=now + DAY, reason="Sold.", by=statement.published_by, at=now
    )
    tariff.refresh_from_db()
    assert (ended.tariff, tariff.effective_until) == (tariff, now + DAY)


def test_an_owner_under_an_exception_may_ask_less() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    exception = grant(statement.node)
    dear, now = ask(statement, "3"), clock.now()
    cheaper = ask(statement, "2.5", effective_from=now + DAY, at=now)
    dear.refresh_from_db()
    assert dear.effective_until == cheaper.effective_from == now + DAY
    assert (cheaper.exception, cheaper.effective_until) == (exception, exception.effective.upper)
    cheapest = ask(statement, "1.6", effective_from=now + 2 * DAY, at=now)
    assert (cheapest.exception, cheapest.effective_until) == (None, None)


def test_a_price_follows_from_the_statement_as_it_stands_when_the_node_is_locked() -> None:
    factories.make_pricing_policy()
    read_before, now = make_statement(), clock.now()
    withdraw_statement(
        statement=CostStatement.objects.get(pk=read_before.pk), ends_at=now + DAY, reason="Sold.",
        by=read_before.published_by, at=now,
    )  # fmt: skip
    with pytest.raises(TariffRefused, match="is not in force"):
        publish_tariff(
            statement=read_before, effective_from=now + 2 * DAY, published_by=read_before.published_by, at=now
        )


def test_within_the_cap_nothing_ends_with_the_exception() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    grant(statement.node)
    tariff = ask(statement, "1.6")
    assert (tariff.exception, tariff.effective_until) == (None, None)


def test_a_price_cannot_outlast_its_exception_nor_come_before_it() -> None:
    factories.make_pricing_policy()
    statement, at = make_statement(), clock.now()
    exception = grant(statement.node, effective_from=at + DAY)
    fields: dict[str, Any] = {
        "statement": statement, "published_by": statement.published_by, "at": at,
        "owner_adjustment": Decimal(1),
    }  # fmt: skip
    with pytest.raises(AboveCap) as early:
        publish_tariff(effective_from=at, **fields)
    assert early.value.field == "price"
    too_long = bounds(exception.effective)[1] + DAY
    with pytest.raises(AboveCap, match="ends with the exception that allows it") as late:
        publish_tariff(effective_from=at + DAY, effective_until=too_long, **fields)
    assert late.value.field == "effective_until"
    shorter = publish_tariff(effective_from=at + DAY, effective_until=at + 2 * DAY, **fields)
    assert shorter.effective_until == at + 2 * DAY


def test_the_database_refuses_a_tariff_under_an_exception_that_never_ends() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    grant(statement.node)
    tariff = ask(statement, "3")
    tariff.pk, tariff.number, tariff.entry = None, 2, factories.make_entry()
    tariff.uid, tariff.effective = tariff.entry.uid, between(clock.now() + 30 * DAY, None)
    with pytest.raises(IntegrityError, match="under_an_exception_ends"), transaction.atomic():
        Tariff.objects.bulk_create([tariff])


def test_an_exception_is_entered_in_the_ledger_and_its_end_too() -> None:
    factories.make_pricing_policy()
    node = factories.make_node()
    granted = grant(node, "2.5")
    body = json.loads(bytes(granted.entry.leaf))["body"]
    assert (granted.entry.kind, body["node"], body["highest_price"], body["policy"]) == (
        "price_exception", str(node.uid), "2.500000", 1,
    )  # fmt: skip
    ended = end(granted)
    assert ended.end_entry is not None
    assert json.loads(bytes(ended.end_entry.leaf))["body"]["reason"] == "More are here."


def test_ending_it_ends_the_price_that_it_allowed() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    exception = grant(statement.node)
    tariff = ask(statement, "3")
    at = clock.now()
    end(exception, at=at)
    tariff.refresh_from_db()
    exception.refresh_from_db()
    assert tariff.effective_until == at == exception.in_force.upper
    with pytest.raises(AboveCap):
        ask(statement, "3")
    assert ask(statement, "1.6").effective_until is None
    with pytest.raises(PriceExceptionRefused, match="ended already"):
        end(exception)


def test_ending_it_calls_off_what_is_announced_under_it_and_tells_the_owner() -> None:
    """Also before it begins itself; the price within the cap goes on."""
    factories.make_pricing_policy()
    statement, at = make_statement(), clock.now()
    lead = factories.make_user()
    factories.lead(statement.node.owner, lead)
    exception = grant(statement.node, effective_from=at + DAY)
    within = ask(statement, "1.6")
    dear = ask(statement, "3", effective_from=at + 2 * DAY)
    dearer = ask(statement, "2.5", effective_from=at + 3 * DAY)
    end(exception)
    for tariff in (within, dear, dearer):
        tariff.refresh_from_db()
    assert (dear.is_called_off, dearer.is_called_off, within.effective_until) == (True, True, None)
    assert list(Notice.objects.filter(user=lead).values_list("kind", flat=True).order_by("kind")) == [
        "price_called_off", "price_called_off", "price_exception_ended", "price_exception_granted",
    ]  # fmt: skip


def test_only_another_steward_grants_and_ends() -> None:
    node, own = factories.make_node(), make_steward()
    OrganisationMembership.objects.create(organisation=node.owner, user=own, role="member")
    with pytest.raises(NotAllowed):
        grant(node, by=factories.make_user())
    with pytest.raises(PriceExceptionRefused, match="another steward"):
        grant(node, by=own)
    granted = grant(node)
    with pytest.raises(PriceExceptionRefused, match="another steward"):
        end(granted, by=own)
    with pytest.raises(NotAllowed):
        end(granted, by=factories.make_user())


@pytest.mark.parametrize(
    ("said", "field", "match"),
    [
        ({"price": "0"}, "highest_price", "above zero"),
        ({"price": "NaN"}, "highest_price", "above zero"),
        ({"price": "0.0000001"}, "highest_price", "above zero"),
        ({"price": "2000000"}, "highest_price", "at most 1,000,000"),
        ({"effective_from": -1}, "effective_from", "not in the past"),
        ({"effective_until": 0}, "effective_until", "before the beginning"),
        ({"effective_until": 400}, "effective_until", "more than 366 days ahead"),
    ],
)
def test_what_it_cannot_be_is_said_beside_its_field(said: dict[str, Any], field: str, match: str) -> None:
    at = clock.now()
    days = {name: at + value * DAY for name, value in said.items() if isinstance(value, int)}
    with pytest.raises(PriceExceptionRefused, match=match) as refused:
        grant(factories.make_node(), at=at, **said | days)
    assert refused.value.field == field


def test_two_for_one_node_and_time_are_refused_one_after_the_other_is_not() -> None:
    node = factories.make_node()
    first = grant(node)
    with pytest.raises(PriceExceptionRefused, match="There is one already"):
        grant(node)
    ends = bounds(first.effective)[1]
    assert grant(node, effective_from=ends, effective_until=ends + DAY)
    assert grant(factories.make_node())
    end(first)
    assert grant(node, effective_until=clock.now() + DAY)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pricing_priceexception SET highest_price = 9",
        "UPDATE pricing_priceexception SET ended_at = now() - interval '1 day'",
        "DELETE FROM pricing_priceexception",
    ],
)
def test_a_granted_exception_cannot_be_changed_by_anybody(change: str) -> None:
    grant(factories.make_node())
    with (
        pytest.raises(DatabaseError, match="annot|ended"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


@pytest.mark.django_db(transaction=True)
def test_two_stewards_at_once_grant_one_exception_for_a_node() -> None:
    node, one, other = factories.make_node(), make_steward(), make_steward()
    answers = at_once(
        partial(grant, node, by=one), partial(grant, node, "4", by=other), meeting_at=PriceException
    )
    assert sorted(type(one).__name__ for one in answers) == ["PriceException", "PriceExceptionRefused"]
    assert PriceException.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_database_keeps_two_exceptions_of_a_node_apart() -> None:
    """Whoever writes without the service's lock meets the constraint."""
    node, by, at = factories.make_node(), make_steward(), clock.now()
    rows = [
        PriceException(
            node=node, highest_price=Decimal(2), effective=between(at, at + DAY), reason="Tests",
            granted_by=by, granted_at=at, entry=factories.make_entry(),
        )
        for _ in range(2)
    ]  # fmt: skip
    answers = at_once(*(row.save for row in rows))
    # Each may come to wait for the other's end: then the database refuses one for that.
    assert len([one for one in answers if isinstance(one, IntegrityError | OperationalError)]) == 1
    assert PriceException.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_price_outlasts_an_exception_that_ends_as_it_is_published() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    exception, steward, at = grant(statement.node), make_steward(), clock.now()
    # A price that began before the end, whoever is first: one that begins after it would be an announced one.
    at_once(
        partial(end, exception, by=steward, at=at + timedelta(seconds=1)),
        partial(ask, statement, "3", effective_from=at, at=at),
        meeting_at=Entry,
    )
    exception.refresh_from_db()
    ends = exception.ended_at
    assert ends is not None
    assert not Tariff.objects.filter(exception=exception, effective__endswith__gt=ends).exists()


# --- prices that were allowed once -------------------------------------------------------------------
def test_a_cap_that_comes_down_leaves_a_price_above_it_which_is_shown_and_an_exception_covers() -> None:
    factories.make_pricing_policy()
    statement = make_statement()
    ask(statement, "1.6")
    publish(Rules(Decimal("0.01"), Decimal(0), Decimal("0.5"), 24))
    (found,) = prices_above(at=clock.now())
    assert (found.node, found.bound.highest) == (statement.node, Decimal("1.517047"))
    grant(statement.node, "1.6")
    assert prices_above(at=clock.now()) == []


def test_they_are_found_with_the_same_queries_however_many(django_assert_num_queries: Any) -> None:
    factories.make_pricing_policy()
    for _ in range(3):
        ask(make_statement(), "1.6")
    publish(Rules(Decimal("0.01"), Decimal(0), Decimal("0.5"), 24))
    with django_assert_num_queries(5):
        assert len(prices_above(at=clock.now())) == 3
