"""Deciding the past again under another policy: asked for by a steward, worked on in pieces."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from reservations import wording
from reservations.domain import exact_json, flips
from reservations.domain.engines import CURRENT
from reservations.domain.exact_json import Json
from reservations.domain.flips import Compared
from reservations.domain.linter import lint
from reservations.domain.policy import Policy as Rules
from reservations.errors import PolicyRefused
from reservations.models import Decision, Policy, PolicyDraft, PolicyReplay, ReplayPart

logger = logging.getLogger(__name__)

DAYS = 90
_AT_ONCE = 100
_TURN = 1.0  # seconds: the ledger is sequenced by the same worker
_UNREADABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


def ask_replay(*, of: Policy | PolicyDraft, by: User, at: datetime) -> PolicyReplay:
    """The decisions of the last 90 days under these numbers. The same, asked again, is the one there is."""
    rules = Rules.from_json(of.rules)
    faults = lint(rules)
    if faults:
        raise PolicyRefused(
            _("A policy that could not be published decides nothing: %(fault)s")
            % {"fault": wording.fault(faults[0])},
            faults={fault.field: wording.fault(fault) for fault in faults},
        )
    since = (at - timedelta(days=DAYS)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    stored = Decision.objects.filter(decided_at__gte=since)
    last = stored.aggregate(last=Max("pk"))["last"] or 0
    same = {
        "rules_digest": rules.digest, "engine": CURRENT, "since": since, "last_decision": last,
        "version": of if isinstance(of, Policy) else None,
        "draft": of.uid if isinstance(of, PolicyDraft) else None,
    }  # fmt: skip
    try:
        with transaction.atomic():
            return PolicyReplay.objects.create(
                **same, rules=rules.to_json(), asked_by=by, asked_at=at,
                total=stored.filter(pk__lte=last).count(),
            )  # fmt: skip
    except IntegrityError:
        return PolicyReplay.objects.get(**same)


def work_on_replays(*, at: datetime) -> bool:
    """Some of what waits, for about as long as others may wait for it. Whether there is more."""
    began = monotonic()
    while monotonic() - began < _TURN:
        if not _next_part(at + timedelta(seconds=monotonic() - began)):
            return False
    return True


@transaction.atomic
def _next_part(at: datetime) -> bool:
    """False where nothing waits that nobody else works on."""
    waiting = PolicyReplay.objects.filter(finished_at=None).order_by("pk")
    replay = waiting.select_for_update(skip_locked=True).first()
    if replay is None:
        return False
    decisions = list(_left(replay)[:_AT_ONCE])
    if decisions:
        ReplayPart.objects.create(replay=replay, compared=exact_json.written(_compared(decisions, replay)))
        replay.done += len(decisions)
        replay.last_done = decisions[-1].pk
        replay.save(update_fields=["done", "last_done"])
    if len(decisions) < _AT_ONCE:
        _finish(replay, at)
    return True


def _left(replay: PolicyReplay) -> QuerySet[Decision]:
    stored = Decision.objects.filter(
        decided_at__gte=replay.since, pk__gt=replay.last_done, pk__lte=replay.last_decision
    )
    return stored.select_related("policy", "taken_on").order_by("pk")


def _compared(decisions: Sequence[Decision], replay: PolicyReplay) -> list[Compared]:
    return [_compare(decision, replay.rules) for decision in decisions]


def _compare(decision: Decision, under: Json) -> Compared:
    try:
        return flips.compared(
            decision=str(decision.uid), digest=decision.digest, request=decision.request,
            snapshot=decision.snapshot, rules=decision.rules, outcome=decision.outcome,
            under=Rules.from_json(under), then=Rules.from_json(decision.policy.rules),
        )  # fmt: skip
    except _UNREADABLE:
        # One that no rule of today can read must not keep the others, and all later replays, waiting.
        logger.exception("decision %s cannot be decided again", decision.uid)
        return flips.untold(
            decision=str(decision.uid), digest=decision.digest, decided_at=decision.decided_at,
            outcome=decision.outcome,
        )  # fmt: skip


def _finish(replay: PolicyReplay, at: datetime) -> None:
    compared = [exact_json.read(Compared, one) for part in replay.parts.all() for one in part.compared]
    outcome = flips.told(compared=compared, policy=replay.rules_digest).to_json()
    replay.outcome, replay.digest, replay.finished_at = outcome, exact_json.digest(outcome), at
    replay.save(update_fields=["outcome", "digest", "finished_at"])
    replay.parts.all().delete()
