"""Counting what each week came to. Everything here derives from events, decisions, prices and the tree.

What was promised in a week that is over stays as it was when that week was first counted after its end: a
tree or a list of nodes that changes later does not change what people were promised then. The tree is kept
with the week, so that what they were entitled to can be counted again when use comes late.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db import connection, transaction

from reservations.domain import weekly
from reservations.domain.slots import Week
from reservations.domain.weekly.line import Line
from reservations.errors import NoPolicy
from reservations.models import WeekSum
from reservations.selectors import policies, weeks

_INSTANT = timedelta(microseconds=1)
MOST_AT_ONCE = 60  # weeks of one sweep; the next is ten minutes away
_STAYS = ("promised", "bookable")  # of a week that is over
_COUNTED = (
    "promised", "demanded", "entitled", "delivered", "others", "bookable", "jain", "projects",
    "waiting", "median_hours", "ninetieth_hours", "asked", "granted", "refused", "entries",
)  # fmt: skip

Stored = Mapping[tuple[str, str], WeekSum]


def count_weeks(*, at: datetime) -> int:
    """Count the weeks that may have changed since they were counted; answer how many."""
    due = weeks.weeks_to_count(at, weeks.first_week())[:MOST_AT_ONCE]
    for week in due:
        count_week(week, at=at)
    return len(due)


def recount(*, at: datetime) -> int:
    """Count every week that there was again."""
    first = weeks.first_week()
    every = weeks.weeks_since(first, Week.of(at)) if first else []
    for week in every:
        count_week(week, at=at)
    return len(every)


def differences(*, at: datetime) -> list[str]:
    """Where the sums of a week that is over, counted since, are not what its events say."""
    over = WeekSum.objects.filter(of=WeekSum.Of.ALL, week__lt=Week.of(at).start.date()).order_by("week")
    found = []
    for line in over:
        week = _week_of(line)
        if line.counted_at >= week.end:
            found += list(_differing(week, at))
    return found


def _differing(week: Week, at: datetime) -> Iterator[str]:
    stored = _stored(week)
    counted = {(line.of, line.key): line for line in _lines(week, stored, at)}
    for key in sorted({*stored, *counted}):
        left, right = _figures(stored.get(key)), _figures(counted.get(key))
        if left != right:
            yield f"{week} {' '.join(key)}: {left} is stored, {right} is counted"


@transaction.atomic
def count_week(week: Week, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        # Two who count at once take turns; whoever reads meanwhile reads what was.
        cursor.execute("LOCK TABLE reservations_weeksum IN SHARE ROW EXCLUSIVE MODE")
    lines = _lines(week, _stored(week), at)
    WeekSum.objects.filter(week=week.start.date()).delete()
    WeekSum.objects.bulk_create(lines)


def _stored(week: Week) -> Stored:
    return {(line.of, line.key): line for line in WeekSum.objects.filter(week=week.start.date())}


def _lines(week: Week, stored: Stored, at: datetime) -> list[WeekSum]:
    try:
        # Of its last moment: a policy that begins with the next week is none of this one's.
        rules = policies.in_force(max(week.start, min(week.end - _INSTANT, at)))[1]
    except NoPolicy:
        return []
    whole = stored.get((WeekSum.Of.ALL, ""))
    of_then = whole.tree if whole is not None and whole.counted_at >= week.end else None
    tree = weeks.written_tree() if of_then is None else of_then
    counted = weekly.lines(weeks.facts_of(week, at=at, tree=tree), rules)
    found = [_row(line, week, stored.get((line.of, line.key)), at) for line in counted]
    for row in found:
        row.tree = tree if row.of == WeekSum.Of.ALL else None
    return found + _no_longer_there(stored, {(row.of, row.key) for row in found}, week, at)


def _no_longer_there(
    stored: Stored, counted: Collection[tuple[str, str]], week: Week, at: datetime
) -> list[WeekSum]:
    """What was bookable of a node that was withdrawn since the week was over, where nobody used it."""
    kept = [
        line
        for key, line in stored.items()
        if key not in counted and line.bookable and line.counted_at >= week.end
    ]
    for line in kept:
        line.pk, line.counted_at = None, at
    return kept


def _row(line: Line, week: Week, before: WeekSum | None, at: datetime) -> WeekSum:
    amounts = {name: None if amount is None else _figure(amount) for name, amount in line.amounts.items()}
    if before is not None and before.counted_at >= week.end:
        amounts |= {name: getattr(before, name) for name in _STAYS if name in amounts}
    return WeekSum(
        week=week.start.date(), of=line.of, key=line.key, name=line.name, counted_at=at,
        **amounts, **line.numbers,
    )  # fmt: skip


def _figure(amount: Fraction) -> Decimal:
    return Decimal(round(amount * 10**6)).scaleb(-6)


def _figures(line: WeekSum | None) -> list[object]:
    return [] if line is None else [getattr(line, name) for name in _COUNTED]


def _week_of(line: WeekSum) -> Week:
    year, number, _ = line.week.isocalendar()
    return Week(year, number)
