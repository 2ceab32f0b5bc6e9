"""The stewards' front page: what waits for an answer, and whether the site is well."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import CharField, Count, F, Min, Q, QuerySet, Value, Window
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext
from redis import Redis

from accounts.models import Invitation, Notice, Organisation, Project
from common import error_counts, formats
from common.error_counts import Counted
from common.ranges import bounds
from pricing.models import FundingLine
from reservations import wording
from reservations.models import Application, NoShow, Policy, PolicyException
from reservations.selectors.status import SweepRow, sweep_rows

HEADS = 5  # of each queue
STUCK = timedelta(minutes=5)  # a mail that is being sent for so long has been forgotten
LATE = timedelta(minutes=5)
_ANNOUNCED = "announced"  # where an exception has its number
CLASSES_END_IN = timedelta(days=30)


@dataclass(frozen=True)
class Head:
    name: str
    url: str
    since: datetime


@dataclass(frozen=True)
class Queue:
    count: int
    heads: tuple[Head, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.heads)


@dataclass(frozen=True)
class Mail:
    failed: int
    stuck: int
    waiting_since: datetime | None  # the oldest that is late

    @property
    def is_well(self) -> bool:
        return not (self.failed or self.stuck or self.waiting_since)


@dataclass(frozen=True)
class Allowance:
    """The line that pays the universal allowance now."""

    name: str
    funder: str
    committed: Decimal
    left: Decimal
    amount: Decimal
    each: Decimal
    people: int  # whom it pays one more month
    until: datetime


@dataclass(frozen=True)
class Front:
    applications: Queue
    organisations: Queue
    classes: Queue  # that end soon
    exceptions: Queue  # in force, those that end first first
    appeals: Queue  # against a no-show
    announced: Queue  # the policy that comes
    sweeps: tuple[SweepRow, ...]
    mail: Mail
    allowance: Allowance | None
    errors: tuple[Counted, ...] | None  # None: not told, Redis is away

    @property
    def late_sweeps(self) -> int:
        return sum(sweep.is_stale for sweep in self.sweeps)


def front(*, at: datetime) -> Front:
    """Five queries, and one round trip to Redis."""
    applications, organisations, appeals = _queues()
    classes, exceptions, announced = _ending(at)
    errors = error_counts.counted(_redis(), at, prefix=settings.ERRORS_PREFIX)
    return Front(
        applications=applications,
        organisations=organisations,
        classes=classes,
        exceptions=exceptions,
        appeals=appeals,
        announced=announced,
        sweeps=sweep_rows(at),
        mail=_mail(at),
        allowance=_allowance(at),
        errors=None if errors is None else tuple(errors),
    )


def _queues() -> tuple[Queue, Queue, Queue]:
    """All in one query, oldest first, each row with the length of its queue."""
    of = Window(Count("*"))
    applications = (
        Application.objects.waiting()
        .annotate(queue=Value("a", CharField()), key=Cast("uid", CharField()), since=F("submitted_at"), of=of)
        .order_by("pk")
        .values_list("queue", "key", "name", "since", "of")[:HEADS]
    )
    organisations = (
        Organisation.objects.waiting()
        .annotate(queue=Value("o", CharField()), key=F("slug"), since=F("registered_at"), of=of)
        .order_by("pk")
        .values_list("queue", "key", "name", "since", "of")[:HEADS]
    )
    appeals = (
        NoShow.objects.appealed()
        .annotate(queue=Value("n", CharField()), key=Cast("uid", CharField()), since=F("appealed_at"), of=of)
        .order_by("since", "pk")
        .values_list("queue", "key", "reservation__project__name", "since", "of")[:HEADS]
    )
    rows = sorted(applications.union(organisations, appeals, all=True), key=lambda row: row[3])
    return (
        _heads([(name, reverse("steward_application", args=[UUID(key)]), since, of)
                for queue, key, name, since, of in rows if queue == "a"]),
        _heads([(name, reverse("steward_organisation", args=[key]), since, of)
                for queue, key, name, since, of in rows if queue == "o"]),
        _heads([(name, reverse("steward_no_show", args=[UUID(key)]), since, of)
                for queue, key, name, since, of in rows if queue == "n"]),
    )  # fmt: skip


def _ending(at: datetime) -> tuple[Queue, Queue, Queue]:
    """Classes that end soon, exceptions in force, and the policy that is announced: all in one query."""
    of = Window(Count("*"))
    classes = (
        Project.objects.filter(class_expires_at__gt=at, class_expires_at__lte=at + CLASSES_END_IN)
        .annotate(number=Value("", CharField()), ends=F("class_expires_at"), of=of)
        .order_by("ends", "pk")
        .values_list("number", "name", "slug", "ends", "of")[:HEADS]
    )
    exceptions = (
        PolicyException.objects.in_force(at)
        .annotate(ends=F("in_force__endswith"), of=of)
        .order_by("ends", "pk")
        .values_list("number", "project__name", "project__slug", "ends", "of")[:HEADS]
    )
    announced = (
        Policy.objects.announced(at)
        .annotate(
            number=Value(_ANNOUNCED, CharField()), name=Value("", CharField()),
            slug=Cast("version", CharField()), ends=F("effective__startswith"), of=of,
        )
        .order_by("ends", "pk")
        .values_list("number", "name", "slug", "ends", "of")[:HEADS]
    )  # fmt: skip
    rows = sorted(classes.union(exceptions, announced, all=True), key=lambda row: row[3])
    return (
        _heads([(name, reverse("steward_project", args=[slug]), ends, of)
                for number, name, slug, ends, of in rows if not number]),
        _heads([(f"{name}{formats.colon()}{wording.number_name(number)}",
                 reverse("steward_project_exceptions", args=[slug]), ends, of)
                for number, name, slug, ends, of in rows if number not in ("", _ANNOUNCED)]),
        _heads([(gettext("Version %(number)s") % {"number": version},
                 reverse("policy_version", args=[int(version)]), begins, of)
                for number, _name, version, begins, of in rows if number == _ANNOUNCED]),
    )  # fmt: skip


def _heads(rows: list[tuple[str, str, datetime, int]]) -> Queue:
    return Queue(rows[0][3] if rows else 0, tuple(Head(name, url, ends) for name, url, ends, _of in rows))


def _mail(at: datetime) -> Mail:
    """Of notices and invitations, from the indexes of what waits and of what went wrong alone. One query."""
    rows = list(_troubles(Notice, at).union(_troubles(Invitation, at), all=True))
    counts: Counter[str] = Counter()
    for state, count, _oldest in rows:
        counts[state] += count
    late = [oldest for state, _count, oldest in rows if state == Notice.Mail.WAITING]
    return Mail(counts[Notice.Mail.FAILED], counts[Notice.Mail.SENDING], min(late, default=None))


def _troubles(model: type[Notice | Invitation], at: datetime) -> QuerySet[Any, tuple[str, int, datetime]]:
    """For each state of a mail that stewards look after: how many, and the oldest."""
    failed = Q(mail=Notice.Mail.FAILED)
    stuck = Q(mail=Notice.Mail.SENDING, mail_due_at__lt=at - STUCK)
    late = Q(mail=Notice.Mail.WAITING, mail_due_at__lt=at - LATE)
    found = model._default_manager.filter(failed | stuck | late).order_by()
    return found.values_list("mail").annotate(Count("pk"), Min("mail_due_at"))


def _allowance(at: datetime) -> Allowance | None:
    lines = FundingLine.objects.filter(allowance_hours__isnull=False, closed_at=None, valid__contains=at)
    line = lines.select_related("funder").first()
    if line is None or line.allowance_amount is None:
        return None
    return Allowance(
        name=line.name,
        funder=line.funder.name,
        committed=line.committed,
        left=line.left,
        amount=line.amount,
        each=line.allowance_amount,
        people=int(line.left // line.allowance_amount),
        until=bounds(line.valid)[1],
    )


@cache
def _redis() -> Redis:
    return error_counts.connected(settings.REDIS_URL)
