"""Whether the project may book at all, and how much whoever asks may book for it."""

from __future__ import annotations

from reservations.domain import room, slots
from reservations.domain.exact_json import Json, moment
from reservations.domain.rules.case import IDLE, PASS, REFUSE, Case, Rule, compared, days, shown


def project_standing(case: Case) -> Rule | None:
    """The project is not suspended, and not over before the slot is."""
    project, asked = case.snapshot.project, case.request
    if project is None:
        return None
    facts: dict[str, Json] = {"suspended": project.is_suspended}
    if project.is_suspended:
        return Rule("project_standing", REFUSE, facts=facts)
    if project.expires_at is None:
        return Rule("project_standing", PASS, facts=facts)
    limit, actual = moment(project.expires_at), moment(asked.end)
    if asked.end <= project.expires_at:
        return Rule("project_standing", PASS, limit=limit, actual=actual, facts=facts)
    over = days(asked.end - project.expires_at)
    return Rule("project_standing", REFUSE, limit=limit, actual=actual, excess=over, facts=facts)


def member_cap(case: Case) -> Rule | None:
    """Device-hours of whoever asks, in slots that begin in the same month, stay under their cap."""
    cap = case.snapshot.member
    if cap is None:
        return None
    month = slots.month_of(case.request.start)
    facts: dict[str, Json] = {"month": month}
    if not case.request.has_length:
        return Rule("member_cap", IDLE, facts=facts)
    held, wanted = cap.held_in(month), case.hours * len(case.request.devices)
    facts |= {"held": shown(held), "wanted": shown(wanted)}
    return compared("member_cap", cap.limit, room.rounded_up(held + wanted), facts)
