"""When a slot may be: marks, order, length, horizon."""

from __future__ import annotations

from datetime import timedelta

from reservations.domain import slots
from reservations.domain.exact_json import Json, moment
from reservations.domain.rules.case import IDLE, PASS, REFUSE, Case, Rule, days, hours


def grid(case: Case) -> Rule:
    """Starts now or on a mark, and ends on one."""
    asked, mark = case.request, case.policy.mark
    is_start_fine = asked.start == asked.at or slots.is_on_mark(asked.start, mark)
    facts: dict[str, Json] = {"start": is_start_fine, "end": slots.is_on_mark(asked.end, mark)}
    if all(facts.values()):
        return Rule("grid", PASS, limit=str(case.policy.mark_minutes), facts=facts)
    start = asked.start if is_start_fine else slots.nearest_mark(asked.start, mark)
    if start < asked.at:
        start = slots.mark_after(asked.at, mark)
    end = max(slots.nearest_mark(asked.end, mark), slots.mark_after(start + case.policy.shortest, mark))
    return Rule(
        "grid",
        REFUSE,
        limit=str(case.policy.mark_minutes),
        facts=facts,
        remedy={"start": moment(start), "end": moment(end)},
    )


def order(case: Case) -> Rule:
    """Ends after it starts."""
    if case.request.has_length:
        return Rule("order", PASS)
    end = slots.mark_after(case.request.start + case.policy.shortest, case.policy.mark)
    return Rule("order", REFUSE, remedy={"end": moment(end)})


def past(case: Case) -> Rule:
    """Does not start before it is asked for."""
    asked = case.request
    late = asked.at - asked.start
    if late <= timedelta(0):
        return Rule("past", PASS)
    return Rule(
        "past",
        REFUSE,
        actual=hours(late),
        remedy={"start": moment(slots.mark_after(asked.at, case.policy.mark))},
    )


def length(case: Case) -> Rule:
    """Not shorter and not longer than the policy says."""
    if not case.request.has_length:
        return Rule("length", IDLE)
    policy, asked = case.policy, case.request.end - case.request.start
    if asked < policy.shortest:
        bound, limit = "shortest", policy.shortest
        end = slots.mark_after(case.request.start + limit, policy.mark)
    else:
        bound, limit = "longest", policy.longest
        end = slots.mark_before(case.request.start + limit, policy.mark)
    facts: dict[str, Json] = {"bound": bound, "shortest": hours(policy.shortest)}
    if policy.shortest <= asked <= policy.longest:
        return Rule("length", PASS, limit=hours(limit), actual=hours(asked), facts=facts)
    return Rule(
        "length", REFUSE, limit=hours(limit), actual=hours(asked), excess=hours(abs(asked - limit)),
        facts=facts, remedy={"end": moment(end)},
    )  # fmt: skip


def horizon(case: Case) -> Rule:
    """Over within the horizon."""
    asked, policy = case.request, case.policy
    latest = asked.at + policy.horizon
    beyond = asked.end - latest
    facts: dict[str, Json] = {"latest": moment(slots.mark_before(latest, policy.mark))}
    limit, actual = days(policy.horizon), days(asked.end - asked.at)
    if beyond <= timedelta(0):
        return Rule("horizon", PASS, limit=limit, actual=actual, facts=facts)
    return Rule(
        "horizon", REFUSE, limit=limit, actual=actual, excess=days(beyond),
        facts=facts, remedy={"end": facts["latest"]},
    )  # fmt: skip
