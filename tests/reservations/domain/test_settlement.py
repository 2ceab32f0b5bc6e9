"""What a slot comes to, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from nodes.domain.intervals import Interval
from reservations.domain.settlement import Execution, Facts, Held, Line, Relet, Terms, bill

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
SLOT = Interval(START, START + 4 * HOUR)
TERMS = Terms(node_id=1, tariff_id=7, price=Decimal("0.500000"), fee=Decimal("0.010000"))
DAY = timedelta(hours=24)


def held(device: int = 1, **fields: Any) -> Held:
    return Held(**{"device_id": device, "terms": TERMS, "granted": SLOT} | fields)


def run(**fields: Any) -> Execution:
    usual = {
        "node_id": 1, "number": 1, "ready_at": START - 5 * MINUTE, "not_before": START, "started_at": START,
        "ended_at": START + HOUR, "is_lost": False,
    }  # fmt: skip
    return Execution(**usual | fields)


def billed(*devices: Held, runs: Sequence[Execution] = (), relet: Sequence[Relet] = ()) -> list[Line]:
    return bill(Facts(held=devices, executions=runs, free_cancel=DAY, relet=relet))


def told(lines: list[Line]) -> list[tuple[str, str, Decimal]]:
    return [(line.category, line.item, line.quantity) for line in lines]


def test_a_slot_is_charged_with_the_fee_in_a_line_of_its_own() -> None:
    lines = billed(held(1), held(2), runs=[run()])
    assert told(lines) == [("usage", "slot", Decimal(8)), ("usage", "fee", Decimal(8))]
    assert [line.unit_price for line in lines] == [TERMS.price, TERMS.fee]
    assert {line.during for line in lines} == {SLOT}


def test_a_slot_in_which_nothing_ran_is_charged_too() -> None:
    assert told(billed(held())) == [("usage", "slot", Decimal(4)), ("usage", "fee", Decimal(4))]


def test_without_a_fee_there_is_no_line_for_it() -> None:
    free = Terms(1, 7, Decimal(1), Decimal(0))
    assert told(billed(held(terms=free))) == [("usage", "slot", Decimal(4))]


def test_nodes_are_billed_apart() -> None:
    other = Terms(2, 9, Decimal(2), Decimal(0))
    assert [line.terms.node_id for line in billed(held(1), held(5, terms=other))] == [1, 1, 2]


def test_what_is_given_back_early_costs_nothing() -> None:
    assert billed(held(given_back=SLOT, given_back_at=START - DAY)) == []


def test_what_is_given_back_late_is_charged_as_unused() -> None:
    lines = billed(held(given_back=SLOT, given_back_at=START - DAY + MINUTE))
    assert told(lines) == [("unused", "slot", Decimal(4)), ("unused", "fee", Decimal(4))]


def test_what_is_given_back_in_the_middle_is_part_use_part_unused() -> None:
    middle = START + HOUR
    lines = billed(held(given_back=Interval(middle, SLOT.end), given_back_at=middle))
    assert told(lines) == [
        ("usage", "slot", Decimal(1)), ("usage", "fee", Decimal(1)),
        ("unused", "slot", Decimal(3)), ("unused", "fee", Decimal(3)),
    ]  # fmt: skip


def test_what_others_took_is_credited_at_no_more_than_was_paid() -> None:
    taken = Relet(1, Interval(START, START + HOUR), Decimal(9))
    lines = billed(held(given_back=SLOT, given_back_at=START - HOUR), relet=[taken])
    assert told(lines)[-1] == ("credit", "relet", Decimal(-1))
    assert lines[-1].unit_price == TERMS.to_pay


def test_nobody_pays_for_what_was_taken_away() -> None:
    assert billed(held(given_back=SLOT, given_back_at=START, taken_away=True)) == []


def test_a_late_start_is_credited_by_the_second_on_every_device() -> None:
    late = timedelta(seconds=90, milliseconds=999)
    lines = billed(held(1), held(2), runs=[run(started_at=START + late, delay=late)])
    assert told(lines)[-1] == ("credit", "late_start", -2 * Decimal(90) / 3600)
    assert lines[-1].unit_price == TERMS.to_pay


def test_milliseconds_are_not_late() -> None:
    assert len(billed(held(), runs=[run(delay=timedelta(milliseconds=999))])) == 2


def test_a_job_that_came_after_the_slot_began_started_when_it_came() -> None:
    late = run(ready_at=START + MINUTE, not_before=START + MINUTE, delay=timedelta(seconds=5))
    assert len(billed(held(), runs=[late])) == 2


def test_only_the_first_job_of_a_slot_can_be_late() -> None:
    second = run(number=2, not_before=START + HOUR, delay=timedelta(seconds=5))
    assert len(billed(held(), runs=[second, run()])) == 2


def test_of_jobs_that_were_over_before_the_slot_none_hides_that_the_first_to_run_was_late() -> None:
    """Jobs are handed over a day ahead: one is stopped the evening before, and queued again corrected."""
    evening = START - 12 * HOUR
    before = run(started_at=None, ended_at=evening, ready_at=evening - HOUR)
    lost = run(number=2, started_at=None, ended_at=evening, ready_at=evening - HOUR, is_lost=True)
    late = run(number=3, started_at=START + 30 * SECOND, delay=30 * SECOND)
    (credit,) = [line for line in billed(held(), runs=[before, lost, late]) if line.category == "credit"]
    assert (credit.item, credit.detail["seconds"], credit.detail["run"]) == ("late_start", 30, 3)


def test_a_lost_run_is_credited_from_its_start_until_that_was_known() -> None:
    lost = run(started_at=START + HOUR, ended_at=START + 2 * HOUR, is_lost=True)
    lines = billed(held(1), held(2), runs=[lost])
    assert told(lines)[-1] == ("credit", "lost", Decimal(-2))
    assert lines[-1].during == Interval(START + HOUR, START + 2 * HOUR)


def test_a_node_that_never_answered_is_not_paid_at_all() -> None:
    lines = billed(held(), runs=[run(started_at=None, ended_at=SLOT.end + 10 * MINUTE, is_lost=True)])
    assert sum(line.quantity * line.unit_price for line in lines) == 0


def test_the_same_time_is_credited_once_however_many_runs_were_lost_in_it() -> None:
    lost = run(ended_at=START + 2 * HOUR, is_lost=True)
    again = run(number=2, started_at=START + HOUR, ended_at=START + 3 * HOUR, is_lost=True)
    assert told(billed(held(), runs=[lost, again]))[-1] == ("credit", "lost", Decimal(-3))


def test_a_node_that_refuses_is_not_paid_until_it_runs_something() -> None:
    """Staging begins before the slot: the refusal may come before its first second."""
    refused = run(started_at=None, ended_at=START - MINUTE, is_refused=True)
    lines = billed(held(), runs=[refused])
    assert sum(line.quantity * line.unit_price for line in lines) == 0
    second = run(number=2, not_before=START + HOUR, started_at=START + HOUR, ended_at=SLOT.end)
    assert told(billed(held(), runs=[second, refused]))[2:] == [("credit", "lost", Decimal(-1))]


def test_a_refusal_after_a_job_that_ran_gives_back_the_rest_only() -> None:
    refused = run(
        number=2, not_before=START + 3 * HOUR, started_at=None, ended_at=START + 3 * HOUR, is_refused=True
    )
    lines = billed(held(), runs=[run(ended_at=START + 3 * HOUR), refused])
    assert told(lines)[2:] == [("credit", "lost", Decimal(-1))]


def test_time_that_was_given_back_is_not_credited_as_lost() -> None:
    middle = START + HOUR
    lost = run(ended_at=START + 2 * HOUR, is_lost=True)
    lines = billed(held(given_back=Interval(middle, SLOT.end), given_back_at=middle), runs=[lost])
    assert told(lines)[-1] == ("credit", "lost", Decimal(-1))


def test_time_that_is_credited_as_late_is_not_credited_again_as_lost() -> None:
    told_late = run(ended_at=START + 2 * HOUR, is_lost=True, delay=3 * HOUR)
    lines = billed(held(), runs=[told_late])
    assert told(lines)[2:] == [("credit", "late_start", Decimal(-3))]
    later = run(number=2, started_at=START + 2 * HOUR, ended_at=SLOT.end, is_lost=True)
    lines = billed(held(), runs=[told_late, later])
    assert told(lines)[2:] == [("credit", "late_start", Decimal(-3)), ("credit", "lost", Decimal(-1))]
    assert sum(line.quantity * line.unit_price for line in lines) == 0


def test_a_node_that_tells_an_endless_delay_gives_back_no_more_than_was_charged() -> None:
    lines = billed(held(), runs=[run(ended_at=SLOT.end + HOUR, is_lost=True, delay=500 * HOUR)])
    assert sum(line.quantity * line.unit_price for line in lines) == 0
