"""What stewards tell everybody: on every page, so read from the cache."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.cache import cache
from django.utils.translation import get_language

from accounts.models import Announcement
from common.ranges import bounds

KEY = "announcements"
LISTED = 50
SECONDS = 30  # no longer is an announcement late elsewhere; whoever writes one clears the key


@dataclass(frozen=True)
class Told:
    """An announcement whose time has not passed yet."""

    uid: UUID
    level: str
    text_en: str
    text_fr: str
    since: datetime
    until: datetime

    @property
    def text(self) -> str:
        """In the reader's language."""
        return self.text_fr if (get_language() or "").startswith("fr") else self.text_en


@dataclass(frozen=True)
class AnnouncementsPage:
    now: tuple[Told, ...]
    later: tuple[Told, ...]
    over: tuple[Told, ...]


def shown(now: datetime) -> list[Told]:
    """What stands at the top of every page now; the cache holds what comes soon as well."""
    kept: list[Told] = cache.get_or_set(KEY, lambda: _coming(now), SECONDS) or []
    return [told for told in kept if told.since <= now < told.until]


def announcements_page(*, now: datetime) -> AnnouncementsPage:
    """For stewards: what is shown now or later, and what was. One query."""
    every = [told(row) for row in Announcement.objects.all()[:LISTED]]
    return AnnouncementsPage(
        now=tuple(one for one in every if one.since <= now < one.until),
        later=tuple(one for one in every if one.since > now),
        over=tuple(one for one in every if one.until <= now),
    )


def _coming(now: datetime) -> list[Told]:
    return [told(row) for row in Announcement.objects.filter(during__endswith__gt=now)[:10]]


def told(row: Announcement) -> Told:
    since, until = bounds(row.during)
    return Told(row.uid, row.level, row.text_en, row.text_fr, since, until)
