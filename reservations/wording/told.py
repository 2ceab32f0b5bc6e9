"""How a rule is told: its name, its sentence, and the numbers and moments in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from common import formats
from reservations.domain.exact_json import Json
from reservations.domain.rules import IDLE, PASS, REFUSE, Rule

OUTCOMES = {PASS: "passed", REFUSE: "refused", IDLE: "idle"}


@dataclass(frozen=True)
class ExceptionWords:
    """An exception that a rule was answered under, and where everybody reads it."""

    text: str
    url: str


@dataclass(frozen=True)
class RuleWords:
    """One rule as a page shows it; `used`, `limit` and `adding` are for a meter, where there is one."""

    code: str
    outcome: str  # passed, refused or idle
    name: str
    text: str
    figures: tuple[str, ...]
    remedy: str
    used: Decimal | None = None
    limit: Decimal | None = None
    adding: Decimal = Decimal(0)
    exceptions: tuple[ExceptionWords, ...] = ()


def name(code: str) -> str:
    """What a rule is called."""
    return {
        "grid": _("On the grid"),
        "order": _("Ends after it starts"),
        "past": _("Not in the past"),
        "length": _("Length"),
        "horizon": _("Horizon"),
        "free": _("Devices free"),
        "price": _("Published price"),
        "room": _("Room"),
        "model_half": _("Half of a model’s hours"),
        "floor": _("Kept for public interest"),
        "commerce": _("Commerce on public nodes"),
        "budget": _("Budget"),
        "project_standing": _("Project open"),
        "member_cap": _("Your cap in this project"),
    }[code]


def told(rule: Rule, text: str, *figures: str, remedy: str = "", **meter: Any) -> RuleWords:
    return RuleWords(
        rule.code,
        OUTCOMES[rule.verdict],
        name(rule.code),
        text,
        figures,
        remedy if rule.refuses else "",
        **meter,
    )


def places(rule: Rule) -> int:
    """One, or as many as it takes to see by how much a limit is passed."""
    excess = decimal(rule.excess) if rule.refuses and rule.excess else Decimal(1)
    return next((count for count in (1, 2, 3) if excess >= Decimal(1).scaleb(-count)), 4)


def against(rule: Rule) -> tuple[str, ...]:
    shown = places(rule)
    limit, actual = formats.number(rule.limit, shown), formats.number(rule.actual, shown)
    if not rule.refuses:
        return (_("%(actual)s of %(limit)s") % {"actual": actual, "limit": limit},)
    return (
        _("limit %(limit)s") % {"limit": limit},
        _("would be %(actual)s") % {"actual": actual},
        _("over by %(excess)s") % {"excess": formats.number(rule.excess, shown)},
    )


def moment(rule: Rule, name: str) -> str:
    return formats.moment(as_moment(rule.remedy[name]))


def as_moment(value: Json) -> datetime:
    return datetime.fromisoformat(str(value))


def decimal(value: Json) -> Decimal:
    return Decimal(str(value))


def length(hours: Json) -> str:
    return formats.duration(int(decimal(hours) * 3600))


def whole_days(days: Json) -> str:
    """`28`, or `27.5` where a policy says so."""
    return formats.number(decimal(days or 0).normalize())


def days(days: Json) -> str:
    return formats.number(decimal(days or 0), 1)
