"""No-shows and the appeals against them, as stewards read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from common.ranges import bounds
from reservations.models import NoShow
from reservations.wording import no_shows as wording

LATELY = timedelta(days=30)
MOST = 50  # that wait
PART = 25  # of all that were judged
LAST_PART = 400


@dataclass(frozen=True)
class Appeal:
    url: str
    person: str
    project: str
    slot: str
    label: str
    tone: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    appeal: str
    appealed_at: datetime | None
    answer: str
    answered_at: datetime | None
    answered_by: str
    is_own: bool  # of a project that the reader belongs to


@dataclass(frozen=True)
class JudgedRow:
    """One slot that was looked at closely, in a line."""

    url: str
    person: str
    project: str
    slot: str
    judged_at: datetime
    label: str
    tone: str
    reason: str
    appeal: str  # what became of one; empty where there is none


@dataclass(frozen=True)
class AppealsPage:
    lately: str
    waiting: tuple[Appeal, ...]  # oldest first
    judged: tuple[JudgedRow, ...]  # the part that is shown, the latest first
    is_every: bool  # or only those that counted or were appealed against
    newer: int  # the parts beside it; 0 where there is none
    older: int


def every() -> QuerySet[NoShow]:
    return NoShow.objects.select_related("person", "reservation__project", "answered_by")


def waiting() -> QuerySet[NoShow]:
    return every().appealed().order_by("appealed_at", "pk")  # type: ignore[attr-defined, no-any-return]


def judged() -> QuerySet[NoShow]:
    """Every slot that was looked at closely, whatever was said of it."""
    return every().filter(judged_at__isnull=False)


def held_against_somebody() -> QuerySet[NoShow]:
    """Those that count, and those that were appealed against."""
    return judged().filter(Q(verdict=True) | Q(appealed_at__isnull=False))


def appeals_page(*, at: datetime, part: int = 1, is_every: bool = False) -> AppealsPage:
    """Three queries, however many there are."""
    part = max(1, min(part, LAST_PART))
    counts = NoShow.objects.filter(judged_at__gt=at - LATELY).aggregate(
        all=Count("pk"), no_shows=Count("pk", Q(verdict=True)), unjudged=Count("pk", Q(verdict=None)),
        upheld=Count("pk", Q(is_upheld=True)),
    )  # fmt: skip
    before = PART * (part - 1)
    rows = judged() if is_every else held_against_somebody()
    found = list(rows.order_by("-judged_at", "-pk")[before : before + PART + 1])
    return AppealsPage(
        lately=_(
            "In 30 days %(all)d slots were looked at closely: %(no_shows)d no-shows, %(unjudged)d that could "
            "not be judged, %(upheld)d appeals upheld."
        )
        % counts,
        waiting=tuple(_appeal(one) for one in waiting()[:MOST]),
        judged=tuple(_row(one) for one in found[:PART]),
        is_every=is_every,
        newer=part - 1,
        older=part + 1 if len(found) > PART and part < LAST_PART else 0,
    )


def _row(no_show: NoShow) -> JudgedRow:
    assert no_show.judged_at is not None  # one out of `judged`
    label, tone = wording.label(no_show)
    return JudgedRow(
        url=reverse("steward_no_show", args=[no_show.uid]),
        person=str(no_show.person),
        project=no_show.reservation.project.name,
        slot=formats.span(*bounds(no_show.reservation.during)),
        judged_at=no_show.judged_at,
        label=label,
        tone=tone,
        reason=wording.reason(no_show),
        appeal=wording.appeal(no_show),
    )


def appeal_page(*, no_show: NoShow, reader: User) -> Appeal:
    return _appeal(no_show, is_own=no_show.reservation.project.memberships.filter(user=reader).exists())


def _appeal(no_show: NoShow, *, is_own: bool = False) -> Appeal:
    label, tone = wording.label(no_show)
    return Appeal(
        url=reverse("steward_no_show", args=[no_show.uid]),
        person=str(no_show.person),
        project=no_show.reservation.project.name,
        slot=formats.span(*bounds(no_show.reservation.during)),
        label=label,
        tone=tone,
        reason=wording.reason(no_show),
        facts=tuple(wording.facts(no_show)),
        appeal=no_show.appeal,
        appealed_at=no_show.appealed_at,
        answer=no_show.answer,
        answered_at=no_show.answered_at,
        answered_by=str(no_show.answered_by or ""),
        is_own=is_own,
    )
