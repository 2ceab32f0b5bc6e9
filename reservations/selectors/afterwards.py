"""What can be done with a slot after it was booked, what was done with it, and whether anybody came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, JSONObject, NullIf
from django.utils.translation import gettext

from accounts.models import User
from common import formats
from common.ranges import bounds
from reservations.domain import no_shows as rules
from reservations.domain.policy import Policy as Rules
from reservations.models import NoShow, Reservation, SlotChange
from reservations.selectors.no_shows import standing_of
from reservations.wording import no_shows as wording


@dataclass(frozen=True)
class Related:
    """The slot before or after this one."""

    sentence: str
    url: str


@dataclass(frozen=True)
class Happened:
    said: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Question:
    """Whether anybody came: the verdict, its facts, and the appeal as far as the reader may know of it."""

    label: str
    tone: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    person: str
    is_own: bool
    may_appeal: bool
    appeal: str
    appealed_at: datetime | None
    answer: str
    answered_at: datetime | None
    record: str  # what stands against the reader; empty for others


@dataclass(frozen=True)
class Afterwards:
    is_open: bool  # booked, and not over
    may_move: bool
    may_extend: bool
    may_release: bool
    may_hand_over: bool
    may_check_in: bool
    is_release_asked: bool
    check_in: str  # until when to use it or say so; empty where nothing asks for it
    related: tuple[Related, ...]
    happened: tuple[Happened, ...]
    question: Question | None

    @property
    def may_anything(self) -> bool:
        return self.may_move or self.may_extend or self.may_release or self.may_hand_over


def with_changes(reservations: QuerySet[Reservation]) -> QuerySet[Reservation]:
    """With what came before and after each slot and what was done with it: no query of their own."""
    done = SlotChange.objects.filter(reservation=OuterRef("pk")).order_by("pk")
    one_done = JSONObject(
        kind="kind", at="at", by=_name("by"), before=_name("held_before"), after=_name("held_after")
    )
    after = Reservation.objects.filter(descendant_of=OuterRef("pk")).order_by("pk")
    one_after = JSONObject(
        uid="uid", change="change", state="state", start="during__startswith", end="during__endswith"
    )
    return reservations.select_related("descendant_of", "no_show__person").annotate(
        done=ArraySubquery(done.values(json=one_done)), after=ArraySubquery(after.values(json=one_after))
    )


def _name(path: str) -> Coalesce:
    return Coalesce(NullIf(f"{path}__name", Value("")), f"{path}__email")


def afterwards(
    reservation: Reservation, *, user: User, may_change: bool, has_run: bool, at: datetime
) -> Afterwards:
    """Of one out of `with_changes`."""
    start, end = bounds(reservation.during)
    is_open = reservation.state == Reservation.State.BOOKED and at < end
    has_begun = is_open and start <= at
    after: list[dict[str, Any]] = reservation.after  # type: ignore[attr-defined]  # as annotated
    is_extended = any(one["change"] == "extended" and one["state"] != "cancelled" for one in after)
    is_used = has_run or reservation.checked_in_at is not None
    return Afterwards(
        is_open=is_open,
        may_move=is_open and not has_begun and may_change,
        may_extend=is_open and may_change and not is_extended,
        may_release=has_begun and start < at and may_change,
        may_hand_over=is_open and may_change,
        may_check_in=has_begun and not is_used,
        is_release_asked=is_open and reservation.release_asked_at is not None,
        check_in=_check_in(reservation, at) if is_open and not is_used else "",
        related=tuple(_related(reservation, after)),
        happened=tuple(_happened(reservation)),
        question=question_of(reservation, user=user, at=at),
    )


def _check_in(reservation: Reservation, at: datetime) -> str:
    """What happens to a slot that nobody uses, under the policy it was booked under."""
    start, end = bounds(reservation.during)
    times = rules.times_of(start, end, Rules.from_json(reservation.decision.policy.rules))
    if times is None or at >= times.released:
        return ""
    if reservation.change == Reservation.Change.EXTENDED:
        sentence = gettext(
            "Whoever uses the slot before until its end is here already. Else, without a job or a word that "
            "somebody uses it, the rest is released on %(released)s, after a warning at %(warned)s."
        )
    else:
        sentence = gettext(
            "Without a job or a word that somebody uses it, the rest is released on %(released)s,"
            " after a warning at %(warned)s."
        )
    return sentence % {"released": formats.moment(times.released), "warned": formats.clock_time(times.warned)}


def _related(reservation: Reservation, after: list[dict[str, Any]]) -> Iterator[Related]:
    before = reservation.descendant_of
    if before is not None:
        said = {"slot": formats.span(*bounds(before.during))}
        if reservation.change == Reservation.Change.MOVED:
            sentence = gettext("Moved here from %(slot)s.") % said
        else:
            sentence = gettext("It goes on from the slot of %(slot)s.") % said
        yield Related(sentence, before.get_absolute_url())
    for one in after:
        slot = {"slot": formats.span(*(datetime.fromisoformat(one[name]) for name in ("start", "end")))}
        url = f"/reservations/{one['uid']}/"
        if one["change"] == Reservation.Change.MOVED:
            yield Related(gettext("Moved to %(slot)s.") % slot, url)
        elif one["state"] == Reservation.State.CANCELLED:
            yield Related(gettext("It was extended by %(slot)s, which was given up again.") % slot, url)
        else:
            yield Related(gettext("Extended: the same devices are yours %(slot)s too.") % slot, url)


def _happened(reservation: Reservation) -> Iterator[Happened]:
    done: list[dict[str, Any]] = reservation.done  # type: ignore[attr-defined]  # as annotated
    for one in done:
        said = str(SlotChange.Kind(one["kind"]).label)
        if one["kind"] == SlotChange.Kind.HANDED_OVER:
            said = gettext("Handed over from %(before)s to %(after)s") % one
        by = one["by"] or gettext("the site")
        yield Happened(said, by, datetime.fromisoformat(one["at"]))


def question_of(reservation: Reservation, *, user: User, at: datetime) -> Question | None:
    """None where the slot was in use, or nobody has looked."""
    no_show: NoShow | None = getattr(reservation, "no_show", None)
    if no_show is None:
        return None
    label, tone = wording.label(no_show)
    is_own = no_show.person_id == user.pk
    return Question(
        label=label,
        tone=tone,
        reason=wording.reason(no_show),
        facts=tuple(wording.facts(no_show)),
        person=str(no_show.person),
        is_own=is_own,
        may_appeal=is_own and no_show.verdict is True and no_show.appealed_at is None,
        appeal=no_show.appeal if is_own else "",
        appealed_at=no_show.appealed_at if is_own else None,
        answer=no_show.answer if is_own else "",
        answered_at=no_show.answered_at if is_own else None,
        record=_record(reservation, user, at) if is_own else "",
    )


def _record(reservation: Reservation, user: User, at: datetime) -> str:
    policy = Rules.from_json(reservation.decision.policy.rules)
    record = standing_of(user=user, policy=policy, at=at)
    if record is None:
        return ""
    said: dict[str, Any] = {"count": record.count, "most": policy.no_shows_most, "days": policy.no_show_days}
    if record.until is None:
        return (
            gettext("%(count)d of your slots in %(days)d days count as no-shows; %(most)d are too many.")
            % said
        )
    said["until"] = formats.moment(record.until)
    return (
        gettext(
            "%(count)d of your slots in %(days)d days count as no-shows."
            " Until %(until)s hours that begin soon need room too."
        )
        % said
    )
