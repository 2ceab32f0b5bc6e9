"""What stewards read of decisions held against another policy: how far it is, and which flip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from accounts.models import Project
from common import formats
from pricing.selectors.charts import as_json, layout
from reservations import wording
from reservations.domain import exact_json
from reservations.domain.decision import GRANTED, REFUSED
from reservations.domain.flips import Compared, Outcome, Side, Tally
from reservations.models import Policy, PolicyDraft, PolicyReplay

_SHOWN = 100  # flipped decisions on the page; the files have all
_LATEST = 20
_HEIGHT = 300


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


def latest() -> list[ReplayRow]:
    found = PolicyReplay.objects.select_related("version")[:_LATEST]
    return [_row(replay) for replay in found]


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
        result=_result(outcome) if outcome else None,
    )


def replay_json(replay: PolicyReplay) -> dict[str, Any]:
    """The outcome with what it is of. The `outcome` alone is what the digest is taken of."""
    return {
        "replay": str(replay.uid),
        "version": replay.version.version if replay.version else None,
        "draft": str(replay.draft) if replay.draft else None,
        "policy": replay.rules,
        "engine": replay.engine,
        "since": exact_json.moment(replay.since),
        "asked_at": exact_json.moment(replay.asked_at),
        "done": replay.done,
        "total": replay.total,
        "is_over": replay.finished_at is not None,
        "digest": replay.digest,
        "outcome": replay.outcome,
    }


def charts(replay: PolicyReplay) -> dict[str, Any]:
    """As Plotly figures; the tables of the page have the same figures."""
    if not replay.outcome:
        return {}
    outcome = Outcome.from_json(replay.outcome)
    return {"weeks": _weeks_figure(outcome.weeks)}


CSV_HEADER = (
    "decision", "digest", "decided_at", "project_class", "device_hours", "before", "before_rules", "after",
    "after_rules",
)  # fmt: skip


def csv_lines(replay: PolicyReplay) -> Iterator[Sequence[str]]:
    """Every decision that flips."""
    yield CSV_HEADER
    for one in Outcome.from_json(replay.outcome).flipped if replay.outcome else ():
        yield (
            one.decision, one.digest, exact_json.moment(one.decided_at), one.project_class,
            str(one.device_hours), one.before.outcome, _codes(one.before), one.after.outcome,
            _codes(one.after),
        )  # fmt: skip


def _codes(side: Side) -> str:
    return " ".join(rule.code for rule in side.refusing)


def _row(replay: PolicyReplay) -> ReplayRow:
    tally = replay.outcome["all"] if replay.outcome else {}
    return ReplayRow(
        url=replay.get_absolute_url(),
        name=_name(replay),
        asked_at=replay.asked_at,
        is_over=replay.finished_at is not None,
        decided=replay.total,
        lost=tally.get("lost", 0),
        won=tally.get("won", 0),
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
        flipped=tuple(_flipped(one, classes) for one in outcome.flipped[:_SHOWN]),
        more=max(0, len(outcome.flipped) - _SHOWN),
    )


def _tally(one: Tally, name: str) -> TallyRow:
    return TallyRow(name, one.decided, one.lost, one.won, one.unknown)


def _flipped(one: Compared, classes: dict[str, str]) -> FlippedRow:
    return FlippedRow(
        number=one.decision,
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


def _weeks_figure(weeks: Sequence[Tally]) -> dict[str, Any]:
    names = [one.key for one in weeks]
    series = (
        (_("Granted then, refused now"), [one.lost for one in weeks], "x"),
        (_("Refused then, granted now"), [one.won for one in weeks], ""),
    )
    figure = go.Figure([_bar(name, names, values, shape) for name, values, shape in series])
    figure.update_layout(
        layout(height=_HEIGHT),
        barmode="stack",
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        xaxis={
            "type": "category", "showgrid": False, "fixedrange": True, "automargin": True,
            "linecolor": "var(--line-control)",
        },
        yaxis={
            "rangemode": "tozero", "tickformat": "d", "fixedrange": True, "automargin": True,
            "gridcolor": "var(--line)", "zeroline": False, "nticks": 5,
        },
    )  # fmt: skip
    return as_json(figure)


def _bar(name: str, weeks: Sequence[str], values: Sequence[int], shape: str) -> go.Bar:
    pattern = {"shape": shape, "bgcolor": "var(--ground)", "size": 6, "solidity": 0.3}
    return go.Bar(
        name=name, x=list(weeks), y=list(values), hovertemplate="%{y}<extra>%{fullData.name}</extra>",
        marker={"color": "var(--data)", "line": {"width": 1, "color": "var(--data)"}, "pattern": pattern},
    )  # fmt: skip
