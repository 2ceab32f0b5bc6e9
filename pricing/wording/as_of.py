"""What is said to who asks for the figures as of a moment that says nothing."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from common import formats
from pricing.domain.as_of import Unreadable


def unreadable(why: Unreadable, *, now: datetime) -> str:
    """Why the moment cannot be answered, and what would do."""
    if why is Unreadable.FUTURE:
        return _(
            "This moment is still to come: what will be published until then is not known."
            " Ask for %(now)s at the latest."
        ) % {"now": formats.moment_with_year(now)}
    if why is Unreadable.NO_ZONE:
        return _("Say the zone of the moment, such as 2026-11-23T14:00Z or 2026-11-23T15:00+01:00.")
    return _("Write a day such as 2026-11-23, or a moment such as 2026-11-23T14:00Z.")
