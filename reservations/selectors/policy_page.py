"""The policy in plain words, every number from a published row: the one in force, or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from common.bars import drawn, part
from reservations import wording
from reservations.domain.calendar import MINUTES_OF_DAY, Calendar
from reservations.domain.policy import CLASSES, ClassNumbers, Policy as Rules
from reservations.domain.policy_changes import changes, kind_of, peak_hours
from reservations.models import Policy
from reservations.selectors.policies import none_in_force
from reservations.selectors.policy_articles import Article, articles_of
from reservations.wording.policy_changes import Difference

IN_FORCE, TO_COME, OVER, CALLED_OFF = "in_force", "to_come", "over", "called_off"


@dataclass(frozen=True)
class Bar:
    """Peak hours of a day, in per cent of its drawing."""

    start: str
    width: str


@dataclass(frozen=True)
class Day:
    """One day of the week: its peak hours in words and drawn."""

    name: str
    hours: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class ClassRow:
    name: str
    kind: str
    numbers: tuple[tuple[str, str], ...]  # its own: name and value


@dataclass(frozen=True)
class Version:
    number: int
    state: str
    starts: datetime
    ends: datetime | None
    reason: str
    digest: str
    published_at: datetime
    entry: int | None  # its index in the ledger, once it has one
    called_off_at: datetime | None
    called_off_reason: str
    called_off_entry: int | None
    rules: dict[str, Any]
    differences: tuple[Difference, ...]  # from the one before it
    follows: int | None

    @property
    def is_in_force(self) -> bool:
        return self.state == IN_FORCE

    @property
    def is_to_come(self) -> bool:
        return self.state == TO_COME

    @property
    def is_called_off(self) -> bool:
        return self.state == CALLED_OFF


@dataclass(frozen=True)
class PolicyPage:
    version: Version
    articles: tuple[Article, ...]
    week: tuple[Day, ...]  # empty: no hours are peak
    holidays_off_peak: bool
    classes: tuple[ClassRow, ...]
    versions: tuple[Version, ...]

    @property
    def in_force(self) -> Version | None:
        return next((version for version in self.versions if version.is_in_force), None)

    @property
    def announced(self) -> Version | None:
        return next((version for version in self.versions if version.is_to_come), None)


def policy_page(*, at: datetime, number: int | None = None, as_of: datetime | None = None) -> PolicyPage:
    """The version in force, or the one asked for. NoPolicy where none was in force, or has that number."""
    rows = _rows()
    row = next((one for one in rows if _is_asked(one, number, as_of or at)), None)
    if row is None:
        raise none_in_force()
    rules, every = Rules.from_json(row.rules), _versions(rows, at)
    return PolicyPage(
        version=next(version for version in every if version.number == row.version),
        articles=articles_of(rules),
        week=week_of(rules.peak),
        holidays_off_peak=rules.peak is not None and rules.peak.holidays_off_peak,
        classes=class_rows(rules),
        versions=every,
    )


def versions(*, at: datetime) -> tuple[Version, ...]:
    """Every one there ever was, newest first."""
    return _versions(_rows(), at)


def _rows() -> list[Policy]:
    return list(Policy.objects.select_related("entry", "called_off_entry"))


def _is_asked(row: Policy, number: int | None, at: datetime) -> bool:
    return _covers(row, at) if number is None else row.version == number


def _covers(policy: Policy, at: datetime) -> bool:
    starts, ends = policy.effective.lower, policy.effective.upper
    return starts is not None and starts <= at and (ends is None or at < ends)


def _versions(rows: Sequence[Policy], at: datetime) -> tuple[Version, ...]:
    """Newest first, each with what it changed in the last one before it that was not called off."""
    found: list[Version] = []
    before: Policy | None = None
    for row in sorted(rows, key=lambda row: row.version):
        found.append(_version(row, before, at))
        if row.called_off_at is None:
            before = row
    return tuple(reversed(found))


def _version(row: Policy, before: Policy | None, at: datetime) -> Version:
    changed = changes(Rules.from_json(before.rules), Rules.from_json(row.rules)) if before else ()
    return Version(
        number=row.version,
        state=_state(row, at),
        starts=row.begins,
        ends=row.effective.upper,
        reason=row.reason,
        digest=row.digest,
        published_at=row.published_at,
        entry=row.entry.index,
        called_off_at=row.called_off_at,
        called_off_reason=row.called_off_reason,
        called_off_entry=row.called_off_entry.index if row.called_off_entry else None,
        rules=row.rules,
        differences=wording.differences(changed),
        follows=before.version if before else None,
    )


def _state(row: Policy, at: datetime) -> str:
    if row.called_off_at is not None:
        return CALLED_OFF
    if row.begins > at:
        return TO_COME
    return IN_FORCE if _covers(row, at) else OVER


def week_of(peak: Calendar | None) -> tuple[Day, ...]:
    """Seven days as drawn; nothing where no hours are peak."""
    return () if peak is None else tuple(_day(peak, weekday) for weekday in range(7))


def _day(peak: Calendar, weekday: int) -> Day:
    hours, day = peak_hours(peak, weekday), Decimal(MINUTES_OF_DAY)
    return Day(
        wording.weekday_name(weekday),
        wording.hours_of_day(hours),
        tuple(
            Bar(
                drawn(part(Decimal(one.start_minute), day)),
                drawn(part(Decimal(one.end_minute - one.start_minute), day)),
            )
            for one in hours
        ),
    )


def class_rows(rules: Rules) -> tuple[ClassRow, ...]:
    """In the order of the classes; none where the policy says nothing of them."""
    if not rules.classes:
        return ()
    return tuple(_class_row(code, rules.of_class(code)) for code in CLASSES)


def _class_row(code: str, numbers: ClassNumbers | None) -> ClassRow:
    own = numbers.own if numbers else {}
    return ClassRow(
        wording.class_name(code),
        wording.kind_name(kind_of(numbers)),
        tuple((wording.policy_number_name(name), wording.policy_value(name, own[name])) for name in own),
    )
