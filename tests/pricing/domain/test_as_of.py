from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from pricing.domain.as_of import AsOfUnreadable, Cut, Row, Unreadable, answering, known, moment, written

NOW = datetime(2026, 11, 23, 14, 30, 15, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


# --- the rule -------------------------------------------------------------------------------------
@dataclass
class History:
    """Rows as the services keep them: one in force at a time, ends set now at the earliest."""

    rows: list[Row] = field(default_factory=list)
    clock: datetime = NOW

    def publish(self, offset: timedelta, length: timedelta | None) -> None:
        """Where the services would: what has no end gives way to what begins now or later."""
        begins = self.clock + offset
        ends = begins + length if length else None
        rows = list(self.rows)  # nothing gives way to what is refused
        for index, row in enumerate(rows):
            if row.called_off_at is not None:
                continue
            if row.ends is not None and row.ends <= begins or ends is not None and ends <= row.begins:
                continue
            if row.ends is not None or row.begins >= begins or begins < self.clock:
                return
            rows[index] = replace(row, ends=begins)
        self.rows = [*rows, Row(len(rows) + 1, self.clock, begins, ends, ends)]

    def end(self, offset: timedelta) -> None:
        """What has no end is ended, now or later."""
        ends = self.clock + max(offset, timedelta())
        for index, row in enumerate(self.rows):
            if row.ends is None and row.begins < ends:
                cut = Cut(self.clock, ends)
                self.rows[index] = replace(row, ends=ends, cuts=(*row.cuts, cut))

    def call_off(self) -> None:
        """What is announced is taken back; what gave way to it goes on, to the next that is announced."""
        for index, row in enumerate(self.rows):
            if row.begins > self.clock and row.called_off_at is None:
                self.rows[index] = replace(row, ends=row.begins, called_off_at=self.clock)
                standing = [one.begins for one in self.rows if one.called_off_at is None]
                following = min((begins for begins in standing if begins > row.begins), default=None)
                for before, other in enumerate(self.rows):
                    goes_on = other.called_off_at is None and other.first_ends is None and not other.cuts
                    if goes_on and other.ends == row.begins:
                        self.rows[before] = replace(other, ends=following)
                return

    @property
    def in_force(self) -> int | None:
        """By the ordinary question: what covers this moment."""
        return next((row.key for row in self.rows if row.holds(self.clock)), None)

    @property
    def told(self) -> list[tuple[int, datetime, datetime | None]]:
        return [(row.key, row.begins, row.ends) for row in self.rows]


hours = st.integers(-60, 60).map(lambda count: count * HOUR)
steps = st.one_of(
    st.builds(
        lambda offset, length: lambda one: one.publish(offset, length),
        hours,
        st.one_of(st.none(), st.integers(1, 60).map(lambda count: count * HOUR)),
    ),
    st.builds(lambda offset: lambda one: one.end(offset), hours),
    st.just(History.call_off),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(steps, st.integers(1, 30).map(lambda count: count * HOUR)), max_size=14))
def test_asked_as_of_then_it_says_what_it_said_then(
    told: list[tuple[Callable[[History], None], timedelta]],
) -> None:
    history = History()
    answers = []
    for act, wait in told:
        act(history)
        for _ in range(2):  # as it is published, and some time later
            answers.append((history.clock, history.in_force, history.told))
            history.clock += wait / 2
    for at, key, rows in answers:
        row = answering(history.rows, at=at)
        assert (row.key if row else None) == key
        assert [(one.key, one.begins, one.ends) for one in known(history.rows, at=at)] == rows


def test_what_was_recorded_later_for_a_time_that_was_past_did_not_answer() -> None:
    row = Row(1, NOW, NOW - 3 * DAY, NOW - DAY, NOW - DAY)
    assert answering([row], at=NOW - 2 * DAY) is None
    assert known([row], at=NOW - 2 * DAY) == []
    assert known([row], at=NOW) == [row]


def test_an_end_that_nobody_explains_is_known_once_it_has_come() -> None:
    row, later = Row(1, NOW, NOW, NOW + DAY), Row(2, NOW + 3 * DAY, NOW + 3 * DAY, None)
    assert known([row, later], at=NOW)[0].ends is None
    assert known([row, later], at=NOW + DAY)[0].ends == NOW + DAY
    assert known([row], at=NOW)[0].ends == NOW + DAY  # nothing was said since


# --- what is asked --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22", datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-11-23", NOW),  # today is not over
        (" 2026-11-22T10:00Z ", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:01.5z", datetime(2026, 11, 22, 10, 0, 1, 500_000, tzinfo=UTC)),
        ("2026-11-22T10:00:00+01:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2026-11-22T10:00:00 01:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),  # an address ate the plus
        ("2026-11-23T14:30:15.250000Z", NOW),
        ("2000-01-01T00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_day_is_its_end_and_a_moment_is_itself(text: str, at: datetime) -> None:
    assert moment(text, now=NOW) == at


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-24", Unreadable.FUTURE),
        ("9999-12-31", Unreadable.FUTURE),
        ("2026-11-23T14:30:15.250001Z", Unreadable.FUTURE),
        ("2026-11-22T10:00", Unreadable.NO_ZONE),
        ("yesterday", Unreadable.NONSENSE),
        ("", Unreadable.NONSENSE),
        ("2026-02-30", Unreadable.NONSENSE),
        ("2026-11-22T25:00Z", Unreadable.NONSENSE),
        ("0001-01-01", Unreadable.NONSENSE),
        ("0001-01-01T00:00+14:00", Unreadable.NONSENSE),
        ("1999-12-31", Unreadable.NONSENSE),
        ("20261122", Unreadable.NONSENSE),
        ("２０２６-11-22", Unreadable.NONSENSE),
        ("2026-11-22T10:00Z\0", Unreadable.NONSENSE),
    ],
)
def test_what_says_nothing_is_refused(text: str, why: Unreadable) -> None:
    with pytest.raises(AsOfUnreadable) as refused:
        moment(text, now=NOW)
    assert refused.value.why is why


def test_an_address_names_the_second_unless_something_changed_in_it() -> None:
    assert written(NOW) == "2026-11-23T14:30:15Z"
    assert written(NOW, [NOW - HOUR, NOW + HOUR]) == "2026-11-23T14:30:15Z"
    assert written(NOW, [NOW.replace(microsecond=1)]) == "2026-11-23T14:30:15.250000Z"
    assert moment(written(NOW, [NOW]), now=NOW) == NOW
