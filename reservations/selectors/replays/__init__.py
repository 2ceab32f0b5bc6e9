"""What stewards read of decisions held against another policy: how far it is, and which flip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Project
from common import formats
from nodes.models import Device
from reservations import wording
from reservations.domain import exact_json
from reservations.domain.asking import Request
from reservations.domain.decision import GRANTED, REFUSED
from reservations.domain.flips import Compared, Outcome, Side, Tally
from reservations.models import Decision, Policy, PolicyDraft, PolicyReplay
from reservations.selectors.fleets import fleet

_SHOWN = 50  # flipped decisions on the page; the files have all
_LATEST = 20


@dataclass(frozen=True)
class Choice:
    """A policy that the past can be held against."""

    value: str  # of the form: draft-<uid> or version-<number>
    name: str


@dataclass(frozen=True)
class ReplayRow:
    url: str
    name: str
    asked_at: datetime
    is_over: bool
    decided: int
    lost: int
    won: int


@dataclass(frozen=True)
class TallyRow:
    name: str
    decided: int
    lost: int
    won: int
    unknown: int


@dataclass(frozen=True)
class FlippedRow:
    number: str
    entry_url: str  # of the public log, which has its digest; empty until it is numbered
    project: str
    project_url: str  # where stewards read of it
    devices: str
    decided_at: datetime
    class_name: str
    device_hours: Decimal
    before: str
    after: str
    before_why: str
    after_why: str


@dataclass(frozen=True)
class Result:
    decided: int
    granted_before: int
    granted_after: int
    lost: int
    won: int
    unknown: int
    rules: tuple[TallyRow, ...]
    classes: tuple[TallyRow, ...]
    weeks: tuple[TallyRow, ...]
    flipped: tuple[FlippedRow, ...]
    more: int  # flipped, and only in the files


@dataclass(frozen=True)
class ReplayPage:
    uid: str
    name: str
    policy_url: str
    since: datetime
    until: datetime
    asked_at: datetime
    engine: str
    rules_digest: str
    done: int
    total: int
    digest: str
    decisions_digest: str
    half_life: int | None  # in hours, where it is another than that of the decisions
    result: Result | None  # None while it is worked on


def choices() -> list[Choice]:
    """Drafts, newest first, then what was published. Two queries."""
    drafts = [
        Choice(f"draft-{draft.uid}", _draft_name(draft))
        for draft in PolicyDraft.objects.select_related("based_on")
    ]
    versions = [
        Choice(f"version-{policy.version}", _("Version %d") % policy.version)
        for policy in Policy.objects.order_by("-version").only("version")
    ]
    return drafts + versions


def chosen(value: str) -> Policy | PolicyDraft | None:
    """What a choice stands for, if it is still there."""
    kind, _dash, name = value.partition("-")
    if kind == "draft":
        return PolicyDraft.objects.filter(uid=name).first()
    return Policy.objects.filter(version=name).first()


def without_outcomes() -> QuerySet[PolicyReplay]:
    """What lists need of replays: an outcome can be long, and has its own address."""
    found = PolicyReplay.objects.select_related("version").defer("outcome", "version__rules")
    return found.annotate(
        lost=KeyTextTransform("lost", KeyTransform("all", "outcome")),
        won=KeyTextTransform("won", KeyTransform("all", "outcome")),
    )


def latest() -> list[ReplayRow]:
    return [_row(replay) for replay in without_outcomes()[:_LATEST]]


def replay_page(replay: PolicyReplay) -> ReplayPage:
    outcome = Outcome.from_json(replay.outcome) if replay.outcome else None
    return ReplayPage(
        uid=str(replay.uid),
        name=_name(replay),
        policy_url=replay.version.get_absolute_url() if replay.version else "",
        since=replay.since,
        until=replay.asked_at,
        asked_at=replay.asked_at,
        engine=replay.engine,
        rules_digest=replay.rules_digest,
        done=replay.done,
        total=replay.total,
        digest=replay.digest,
        decisions_digest=outcome.decisions if outcome else "",
        half_life=_other_half_life(replay) if outcome else None,
        result=_result(outcome) if outcome else None,
    )


def _other_half_life(replay: PolicyReplay) -> int | None:
    """Use counts as it had been counted, so what another half-life would change is not in the answers."""
    span = (replay.since, replay.asked_at)
    of_the_time = Policy.objects.filter(effective__overlap=span).values_list("rules", flat=True)
    asked = replay.rules["half_life_hours"]
    return asked if any(rules["half_life_hours"] != asked for rules in of_the_time) else None


def _row(replay: Any) -> ReplayRow:
    """Of one out of `without_outcomes`."""
    return ReplayRow(
        url=replay.get_absolute_url(),
        name=_name(replay),
        asked_at=replay.asked_at,
        is_over=replay.finished_at is not None,
        decided=replay.total,
        lost=int(replay.lost or 0),
        won=int(replay.won or 0),
    )


def _name(replay: PolicyReplay) -> str:
    if replay.version is not None:
        return _("Version %d") % replay.version.version
    return _("Draft %s") % str(replay.draft)[-6:]


def _draft_name(draft: PolicyDraft) -> str:
    return _("Draft %(number)s, changed %(moment)s") % {
        "number": str(draft.uid)[-6:],
        "moment": formats.moment(draft.changed_at),
    }


def _result(outcome: Outcome) -> Result:
    classes = {value: str(label) for value, label in Project.Class.choices}
    classes[""] = _("not in the snapshot")
    shown = outcome.flipped[:_SHOWN]
    stored = _decisions([one.decision for one in shown])
    return Result(
        decided=outcome.all.decided,
        granted_before=outcome.granted_before,
        granted_after=outcome.granted_after,
        lost=outcome.all.lost,
        won=outcome.all.won,
        unknown=outcome.all.unknown,
        rules=tuple(_tally(one, str(wording.name(one.key))) for one in outcome.rules),
        classes=tuple(_tally(one, classes.get(one.key, one.key)) for one in outcome.classes),
        weeks=tuple(_tally(one, one.key) for one in reversed(outcome.weeks)),
        flipped=tuple(_flipped(one, stored[one.decision], classes) for one in shown),
        more=max(0, len(outcome.flipped) - _SHOWN),
    )


def _tally(one: Tally, name: str) -> TallyRow:
    return TallyRow(name, one.decided, one.lost, one.won, one.unknown)


def _decisions(uids: Sequence[str]) -> dict[str, tuple[Decision, str]]:
    """Each with its devices in words. Two queries."""
    found = Decision.objects.filter(uid__in=uids).select_related("project", "entry").defer("rules", "quote")
    asked = {str(one.uid): (one, exact_json.read(Request, one.request).devices) for one in found}
    wanted = {uid for _one, devices in asked.values() for uid in devices}
    devices = {str(device.uid): device for device in Device.objects.filter(uid__in=wanted)}
    return {
        number: (one, fleet([devices[uid] for uid in its if uid in devices]))
        for number, (one, its) in asked.items()
    }


def _flipped(one: Compared, stored: tuple[Decision, str], classes: dict[str, str]) -> FlippedRow:
    decision, devices = stored
    return FlippedRow(
        number=one.decision,
        entry_url=decision.entry.get_absolute_url() if decision.entry.index is not None else "",
        project=decision.project.name,
        project_url=reverse("steward_project", args=[decision.project.slug]),
        devices=devices,
        decided_at=one.decided_at,
        class_name=classes.get(one.project_class, one.project_class),
        device_hours=one.device_hours,
        before=_outcome(one.before),
        after=_outcome(one.after),
        before_why=_why(one.before),
        after_why=_why(one.after),
    )


def _outcome(side: Side) -> str:
    return {GRANTED: _("Granted"), REFUSED: _("Refused")}[side.outcome]


def _why(side: Side) -> str:
    """`Room: 2766.8 of 2640.5`, rule by rule."""
    return "; ".join(_numbers(rule.code, rule.limit, rule.actual) for rule in side.refusing)


def _numbers(code: str, limit: str | None, actual: str | None) -> str:
    name = str(wording.name(code))
    try:
        most, asked = Decimal(limit or ""), Decimal(actual or "")
    except ArithmeticError:  # a moment, or nothing that is counted
        return name
    return _("%(rule)s (%(asked)s of %(most)s)") % {
        "rule": name, "asked": formats.number(asked, 2), "most": formats.number(most, 2)
    }  # fmt: skip
