"""Which hours given back late were taken by others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies

from nodes.domain.intervals import Interval
from reservations.domain.relet import GivenBack, Placement, relet

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
BACK = GivenBack(1, Interval(START, START + 4 * HOUR), START - HOUR, 1, frozenset({1}), Decimal("0.5"))


def hours(first: int, last: int) -> Interval:
    return Interval(START + first * HOUR, START + last * HOUR)


def placement(first: int, last: int, **fields: Any) -> Placement:
    usual = {
        "device_id": 1, "during": hours(first, last), "granted_at": START, "project_id": 2,
        "people": frozenset({2}), "to_pay": Decimal("0.4"),
    }  # fmt: skip
    return Placement(**usual | fields)


def test_what_others_took_is_refunded_at_what_they_pay() -> None:
    (piece,) = relet(BACK, [placement(1, 2)])
    assert (piece.during, piece.refund) == (hours(1, 2), Decimal("0.4"))


def test_no_more_is_refunded_than_was_paid() -> None:
    (piece,) = relet(BACK, [placement(1, 2, to_pay=Decimal(3))])
    assert piece.refund == Decimal("0.5")


def test_hours_that_a_moved_slot_keeps_are_not_paid_twice() -> None:
    (piece,) = relet(BACK, [placement(2, 6, project_id=1, people=frozenset({1}), is_its_own=True)])
    assert (piece.during, piece.refund) == (hours(2, 4), Decimal("0.4"))


@pytest.mark.parametrize(
    "other",
    [
        {"project_id": 1},
        {"people": frozenset({1})},
        {"people": frozenset({3, 1})},
        {"device_id": 2},
        {"granted_at": START - 2 * HOUR},
        {"during": hours(4, 6)},
    ],
    ids=[
        "same project",
        "same person",
        "held by the same person once",
        "other device",
        "held before",
        "other hours",
    ],
)
def test_what_does_not_count(other: dict[str, Any]) -> None:
    assert relet(BACK, [placement(0, 4, **other)]) == []


def test_an_hour_counts_once_for_the_one_who_took_it_first() -> None:
    first = placement(0, 2, granted_at=START, to_pay=Decimal("0.1"))
    second = placement(
        1, 3, granted_at=START + HOUR, project_id=3, people=frozenset({3}), to_pay=Decimal("0.2")
    )
    pieces = relet(BACK, [second, first])
    assert [(piece.during, piece.refund) for piece in pieces] == [
        (hours(0, 2), Decimal("0.1")),
        (hours(2, 3), Decimal("0.2")),
    ]


@given(strategies.lists(strategies.tuples(strategies.integers(-2, 6), strategies.integers(1, 5)), max_size=6))
def test_never_more_hours_are_refunded_than_were_given_back(spans: list[tuple[int, int]]) -> None:
    pieces = relet(BACK, [placement(first, first + length) for first, length in spans])
    assert all(one.during.end <= other.during.start for one, other in zip(pieces, pieces[1:], strict=False))
    assert sum((piece.during.end - piece.during.start for piece in pieces), timedelta(0)) <= 4 * HOUR
