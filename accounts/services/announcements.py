"""What stewards tell everybody: writing it and ending it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import StewardActRefused
from accounts.models import Announcement, StewardAct, User
from accounts.selectors.announcements import KEY
from accounts.services.stewarding import write_down
from common.ranges import between, bounds

MOST = 3  # at one time: more than that nobody reads


@transaction.atomic
def announce(
    *, text_en: str, text_fr: str, level: str, since: datetime, until: datetime, by: User, at: datetime
) -> Announcement:
    """Show a sentence at the top of every page from one moment to another, in both languages."""
    if until <= since or until <= at:
        raise StewardActRefused(_("The end lies before the beginning, or in the past."), field="until")
    if not (text_en.strip() and text_fr.strip()):
        raise StewardActRefused(
            _("Write it in both languages: everybody reads one of them."), field="text_fr"
        )
    during = between(since, until)
    if Announcement.objects.filter(during__overlap=during).count() >= MOST:
        raise StewardActRefused(
            _("%(limit)d announcements are shown in that time, the most there may be. End one first.")
            % {"limit": MOST},
            limit=MOST,
        )
    written = Announcement.objects.create(
        level=Announcement.Level(level), text_en=text_en.strip(), text_fr=text_fr.strip(), during=during,
        written_by=by, created_at=at,
    )  # fmt: skip
    write_down(act=StewardAct.Act.ANNOUNCED, reason=written.text_en, by=by, at=at)
    _forget_when_committed()
    return written


@transaction.atomic
def end_now(*, announcement: Announcement, by: User, at: datetime) -> None:
    """Show it no longer; where its time has not come, it goes. What is over stays as it was."""
    announcement = Announcement.objects.select_for_update().get(pk=announcement.pk)
    since, until = bounds(announcement.during)
    if until <= at:
        raise StewardActRefused(_("This announcement is over."))
    if since < at:
        announcement.during = between(since, at)
        announcement.save(update_fields=["during"])
    else:
        announcement.delete()
    write_down(act=StewardAct.Act.ANNOUNCEMENT_ENDED, reason=announcement.text_en, by=by, at=at)
    _forget_when_committed()


def _forget_when_committed() -> None:
    transaction.on_commit(partial(cache.delete, KEY), robust=True)
