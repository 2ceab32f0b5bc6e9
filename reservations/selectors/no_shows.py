"""What no-shows count against a person, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from reservations.domain import no_shows
from reservations.domain.policy import Policy
from reservations.models import NoShow


@dataclass(frozen=True)
class PersonalRecord:
    """How many no-shows of the policy's days stand, and until when they cost something."""

    count: int
    until: datetime | None  # None: nothing follows from them now


def standing_of(*, user: User | int, policy: Policy, at: datetime) -> PersonalRecord | None:
    """What stands against whoever asks at this moment; None where the policy has no such rule. One query."""
    most, days, sanction = policy.no_shows_most, policy.no_show_days, policy.sanction_days
    if most is None or days is None or sanction is None:
        return None
    window, length = timedelta(days=days), timedelta(days=sanction)
    person = user if isinstance(user, int) else user.pk
    lately = NoShow.objects.counted().filter(
        person_id=person, judged_at__gt=at - window - length, judged_at__lte=at
    )
    judged: Sequence[datetime] = sorted(
        moment for moment in lately.values_list("judged_at", flat=True) if moment is not None
    )
    return PersonalRecord(
        count=sum(moment > at - window for moment in judged),
        until=no_shows.sanctioned_until(judged, most=most, window=window, length=length, at=at),
    )
