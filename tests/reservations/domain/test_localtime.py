from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reservations.domain.localtime import AmbiguousTime, NonexistentTime, to_utc


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


# Both clock changes of 2026: a time skipped, the first after it, a time shown twice, its two moments.
# Lord Howe moves by half an hour, Azores change at 00:00 UTC, Santiago at midnight.
CHANGES = [
    (
        "Europe/Paris",
        "2026-03-29T02:30",
        "2026-03-29T03:00",
        "2026-10-25T02:30",
        "2026-10-25T00:30",
        "2026-10-25T01:30",
    ),
    (
        "Europe/London",
        "2026-03-29T01:00",
        "2026-03-29T02:00",
        "2026-10-25T01:15",
        "2026-10-25T00:15",
        "2026-10-25T01:15",
    ),
    (
        "America/New_York",
        "2026-03-08T02:59",
        "2026-03-08T03:00",
        "2026-11-01T01:00",
        "2026-11-01T05:00",
        "2026-11-01T06:00",
    ),
    (
        "Australia/Lord_Howe",
        "2026-10-04T02:15",
        "2026-10-04T02:30",
        "2026-04-05T01:45",
        "2026-04-04T14:45",
        "2026-04-04T15:15",
    ),
    (
        "Atlantic/Azores",
        "2026-03-29T00:30",
        "2026-03-29T01:00",
        "2026-10-25T00:30",
        "2026-10-25T00:30",
        "2026-10-25T01:30",
    ),
    (
        "America/Santiago",
        "2026-09-06T00:30",
        "2026-09-06T01:00",
        "2026-04-04T23:30",
        "2026-04-05T02:30",
        "2026-04-05T03:30",
    ),
]


@pytest.mark.parametrize(("zone", "skipped", "resumes", "twice", "earlier", "later"), CHANGES)
def test_a_skipped_time_is_refused_and_the_next_one_named(
    zone: str, skipped: str, resumes: str, twice: str, earlier: str, later: str
) -> None:
    with pytest.raises(NonexistentTime) as refusal:
        to_utc(local(skipped), zone)
    assert refusal.value.resumes == local(resumes)
    assert to_utc(local(resumes), zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local(resumes)


@pytest.mark.parametrize(("zone", "skipped", "resumes", "twice", "earlier", "later"), CHANGES)
def test_a_time_shown_twice_asks_which(
    zone: str, skipped: str, resumes: str, twice: str, earlier: str, later: str
) -> None:
    with pytest.raises(AmbiguousTime) as question:
        to_utc(local(twice), zone)
    assert (question.value.earlier, question.value.later) == (
        local(earlier).replace(tzinfo=UTC), local(later).replace(tzinfo=UTC),
    )  # fmt: skip
    assert to_utc(local(twice), zone, second=False) == question.value.earlier
    assert to_utc(local(twice), zone, second=True) == question.value.later


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "UTC"]
)
def test_every_quarter_of_the_year_comes_back_as_itself(zone: str) -> None:
    place, moment = ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=UTC)
    while moment.year == 2026:
        shown = moment.astimezone(place)
        assert to_utc(shown.replace(tzinfo=None, fold=0), zone, second=bool(shown.fold)) == moment
        moment += timedelta(minutes=15)


def test_which_of_the_two_is_ignored_for_other_times() -> None:
    assert to_utc(local("2026-11-24T10:42"), "Europe/Paris", second=True) == datetime(
        2026, 11, 24, 9, 42, tzinfo=UTC
    )
