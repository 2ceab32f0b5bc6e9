from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core.cache import cache

from common.kept import FRESH, kept

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def asked(at: datetime, value: int, *, is_large: bool = True) -> int:
    return kept("number", lambda: value, at=at, is_large=lambda _: is_large)


def test_what_is_large_is_worked_out_once_a_minute() -> None:
    assert [asked(AT, 1), asked(AT + FRESH - timedelta(seconds=1), 2)] == [1, 1]
    assert asked(AT + FRESH, 3) == 3


def test_what_is_small_is_always_of_this_moment() -> None:
    assert [asked(AT, number, is_large=False) for number in (1, 2)] == [1, 2]


def test_a_moment_before_the_kept_one_is_not_answered_with_what_came_after() -> None:
    asked(AT, 1)
    assert asked(AT - timedelta(seconds=1), 2) == 2


def test_while_one_works_it_out_others_get_the_last_one() -> None:
    asked(AT, 1)
    cache.add("kept:number:working", True)
    assert asked(AT + FRESH, 2) == 1
    cache.delete("kept:number:working")
    assert asked(AT + FRESH, 3) == 3
