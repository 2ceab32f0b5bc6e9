"""When slots that answer a need are tried, in which order they stand, and what keeps others from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from reservations.domain.needs import (
    Need,
    Order,
    Priced,
    Tried,
    in_order,
    moments,
    sort_out,
    worth_trying,
)
from reservations.domain.slots import HOUR, MARK, Slot
from reservations.domain.together import Pool, Starts, starts

AT = datetime(2026, 11, 23, 10, 7, tzinfo=UTC)
UNTIL = AT + timedelta(days=28)
DAY = timedelta(days=1)


def possible(*gaps: tuple[datetime, datetime], length: timedelta = 2 * HOUR) -> Starts:
    return starts([Pool(1, {"a": [Slot(*gap) for gap in gaps]})], length=length, mark=MARK)


def tried(need: Need, of: Starts, grams: object = None) -> list[datetime]:
    def known(start: datetime) -> Decimal | None:
        return grams(start) if callable(grams) else None

    return sorted(moments(of, need=need, at=AT, until=UNTIL, grams=known))


def test_the_first_start_and_some_later_ones_are_tried_once_each() -> None:
    need = Need(1, 2 * HOUR)
    first = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    assert tried(need, possible((AT, UNTIL))) == [
        first + later for later in (timedelta(0), 12 * HOUR, DAY, 3 * DAY, 7 * DAY)
    ]
    gap = (first + 5 * DAY, first + 5 * DAY + 2 * HOUR)  # every later one is this one, too
    assert tried(need, possible(gap)) == [gap[0]]
    assert tried(need, possible()) == []


def test_none_is_tried_before_it_may_begin() -> None:
    after = AT + DAY
    assert tried(Need(1, 2 * HOUR, not_before=after), possible((AT, UNTIL)))[0] == after + timedelta(
        minutes=8
    )


def test_the_cleanest_hour_of_a_week_is_tried_where_it_is_free_and_in_time() -> None:
    clean = datetime(2026, 11, 25, 13, tzinfo=UTC)
    cleaner = clean + 8 * DAY  # farther than a week: what is expected there is no news

    def grams(start: datetime) -> Decimal:
        return {clean: Decimal(1), cleaner: Decimal(0)}.get(start, Decimal(9))

    assert clean in tried(Need(1, 2 * HOUR), possible((AT, UNTIL)), grams)
    assert cleaner not in tried(Need(1, 2 * HOUR), possible((AT, UNTIL)), grams)
    taken = possible((AT, clean), (clean + HOUR, UNTIL))
    assert clean not in tried(Need(1, 2 * HOUR), taken, grams)
    assert clean not in tried(Need(1, 2 * HOUR, done_by=clean + HOUR), possible((AT, UNTIL)), grams)
    assert clean in tried(Need(1, 2 * HOUR, done_by=clean + 2 * HOUR), possible((AT, UNTIL)), grams)


def one(name: str, *, hours: int, to_pay: str, grams: str | None, place: int = 0) -> Tried:
    start = AT + hours * HOUR
    return Tried(
        place, (name,), start, start + HOUR, Decimal(to_pay), None if grams is None else Decimal(grams)
    )


SOON = one("soon", hours=1, to_pay="9", grams="5")
CHEAP = one("cheap", hours=5, to_pay="2", grams="7")
CLEAN = one("clean", hours=9, to_pay="5", grams="1")
UNKNOWN = one("unknown", hours=2, to_pay="4", grams=None)


def test_they_stand_by_finish_by_price_or_by_carbon_with_what_is_not_known_last() -> None:
    every = [CLEAN, UNKNOWN, CHEAP, SOON]
    assert in_order(every, Need(1, HOUR)) == [SOON, UNKNOWN, CHEAP, CLEAN]
    assert in_order(every, Need(1, HOUR, order=Order.PRICE)) == [CHEAP, UNKNOWN, CLEAN, SOON]
    assert in_order(every, Need(1, HOUR, order=Order.CARBON)) == [CLEAN, SOON, CHEAP, UNKNOWN]


def test_where_no_job_can_run_yet_stands_last_in_every_order() -> None:
    for order in Order:
        need = Need(1, HOUR, order=order)
        first, *rest = in_order([CLEAN, UNKNOWN, CHEAP, SOON], need)
        unready = replace(first, runs_jobs=False)
        assert in_order([unready, *rest], need) == [*rest, unready]


def test_of_hundreds_the_first_of_each_order_are_asked_of_the_rules() -> None:
    many = [one(f"n{n}", hours=n, to_pay=str(500 - n), grams=str(abs(250 - n))) for n in range(400)]
    for order in Order:
        need = Need(1, HOUR, order=order)
        kept = worth_trying(many, need)
        assert len(kept) == 120
        assert kept[:40] == in_order(many, need)[:40]


def test_those_in_time_are_tried_before_those_that_come_too_late() -> None:
    late = [one(f"l{n}", hours=100 + n, to_pay="1", grams="1") for n in range(50)]
    need = Need(1, HOUR, done_by=AT + 20 * HOUR, order=Order.PRICE)
    kept = worth_trying([*late, SOON, CHEAP, CLEAN], need)
    assert {SOON, CHEAP, CLEAN} <= set(kept)


def test_each_is_told_once_with_what_keeps_it_from_answering() -> None:
    need = Need(1, HOUR, done_by=AT + 7 * HOUR, at_most=Decimal(8))
    priced = [
        Priced(SOON, Decimal(9), None, ("room",)),  # too dear, and refused besides
        Priced(CHEAP, Decimal(2), None, ()),
        Priced(CLEAN, Decimal(5), None, ("floor",)),  # too late, and refused besides
        Priced(UNKNOWN, Decimal(8), None, ("room", "floor")),  # exactly what it may cost
    ]
    found = sort_out(priced, need)
    assert [[each.tried for each in group] for group in vars(found).values()] == [
        [CHEAP], [CLEAN], [SOON], [UNKNOWN],
    ]  # fmt: skip
