"""What people are told of: every kind of notice, and whether it is mailed unless somebody says otherwise.

accounts/wording/notices.py has a sentence for each, templates/notices/<kind>/ its texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

# A change settles before it is mailed: what happens to one thing within this time is one mail.
SETTLING = timedelta(minutes=1)
# How long after each definite failure the next try waits; after the last one the mail is given up.
DELAYS = (
    timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=4), timedelta(hours=12)
)  # fmt: skip


class Group(StrEnum):
    """The headings under which kinds stand on the page of preferences."""

    RESERVATIONS = "reservations"
    PROJECTS = "projects"
    MONEY = "money"
    ORGANISATIONS = "organisations"
    NODES = "nodes"
    ACCOUNT = "account"
    STEWARDS = "stewards"  # offered to stewards only


@dataclass(frozen=True)
class Kind:
    """`params` are the facts that its texts are made of; names say how they are written.

    `…_at` is an instant, `…_eur` an amount of money, `…_hours` one of device-hours, `…_ratio` a share.
    """

    name: str
    group: Group
    params: tuple[str, ...]
    by_mail: bool = True


_ALL = (
    Kind("slot_starting", Group.RESERVATIONS, ("project", "devices", "start_at", "end_at")),
    Kind("job_ended", Group.RESERVATIONS, ("project", "job", "node", "outcome", "exit_code")),
    # `again`: the number under which it was queued again, if it was.
    Kind("job_lost", Group.RESERVATIONS, ("project", "job", "node", "outcome", "again")),
    Kind("slot_cancelled", Group.RESERVATIONS, ("project", "by", "start_at", "end_at")),
    Kind("slot_withdrawn", Group.RESERVATIONS, ("project", "start_at", "end_at", "reason")),
    # By the node's owner. `taken_at`: from when on it is gone; later than its start for one that had begun.
    Kind(
        "slot_taken_back",
        Group.RESERVATIONS,
        ("project", "node", "start_at", "end_at", "taken_at", "reason"),
    ),
    # `change`: moved, extended or released. What is not by anybody was asked for before.
    Kind(
        "slot_changed",
        Group.RESERVATIONS,
        ("project", "by", "change", "start_at", "end_at", "new_start_at", "new_end_at"),
    ),
    Kind("slot_handed_over", Group.RESERVATIONS, ("project", "by", "outcome", "start_at", "end_at")),
    Kind("no_show_warning", Group.RESERVATIONS, ("project", "start_at", "end_at", "release_at")),
    Kind("no_show_judged", Group.RESERVATIONS, ("project", "start_at", "end_at", "outcome")),
    Kind("no_show_answered", Group.RESERVATIONS, ("project", "start_at", "outcome", "reason")),
    Kind("slot_settled", Group.RESERVATIONS, ("project", "state", "start_at", "charged_eur"), by_mail=False),
    # The invitation itself is mailed to the address, with a link that only the mail holds.
    Kind("invitation_received", Group.PROJECTS, ("group", "by"), by_mail=False),
    Kind("invitation_answered", Group.PROJECTS, ("group", "email", "outcome"), by_mail=False),
    Kind("invitations_withdrawn", Group.PROJECTS, ("group", "by", "emails")),
    Kind("application_answered", Group.PROJECTS, ("project", "outcome", "reason")),
    Kind("role_changed", Group.PROJECTS, ("group", "role", "by")),
    Kind("member_removed", Group.PROJECTS, ("group", "by")),
    Kind("project_suspended", Group.PROJECTS, ("project", "reason")),
    Kind("project_resumed", Group.PROJECTS, ("project",)),
    Kind("project_moved", Group.PROJECTS, ("project", "account", "shares", "reason")),
    Kind(
        "exception_granted",
        Group.PROJECTS,
        ("project", "number", "policy_value", "value", "begins_at", "until_at", "reason"),
    ),
    Kind("exception_ended", Group.PROJECTS, ("project", "number", "policy_value", "until_at", "reason")),
    Kind("project_expiring", Group.PROJECTS, ("project", "expires_at")),
    Kind("class_ended", Group.PROJECTS, ("project",)),
    Kind("grant_received", Group.MONEY, ("project", "grant", "funder", "amount_eur", "amount_hours")),
    Kind("grant_used", Group.MONEY, ("project", "grant", "used_ratio")),
    Kind("organisation_decided", Group.ORGANISATIONS, ("organisation", "outcome", "reason")),
    Kind("price_exception_granted", Group.NODES, ("node", "price_eur", "begins_at", "until_at", "reason")),
    Kind("price_exception_ended", Group.NODES, ("node", "until_at", "price_eur", "reason")),
    Kind("price_lowered", Group.NODES, ("node", "statement", "before_eur", "price_eur", "begins_at")),
    Kind("price_called_off", Group.NODES, ("node", "price_eur", "begins_at", "reason")),
    Kind("price_above_cap", Group.NODES, ("node", "price_eur", "limit_eur")),
    Kind("statement_to_review", Group.NODES, ("node", "statement", "since_at")),
    Kind("account_given", Group.ORGANISATIONS, ("organisation", "account", "outcome", "shares", "reason")),
    Kind("token_created", Group.ACCOUNT, ("token", "expires_at")),
    Kind("token_expiring", Group.ACCOUNT, ("token", "expires_at")),
    # Every change of how somebody signs in is mailed by the pages that make it.
    Kind("sign_in_changed", Group.ACCOUNT, ("change",), by_mail=False),
    Kind("rules_changed", Group.ACCOUNT, ("version",)),
    Kind("application_received", Group.STEWARDS, ("project", "by")),
    Kind("organisation_registered", Group.STEWARDS, ("organisation", "by")),
    Kind("no_show_appealed", Group.STEWARDS, ("project", "by", "start_at")),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def encoded(kind: str, params: Mapping[str, object]) -> dict[str, object]:
    """The facts as JSON, refusing what the kind's texts do not know or would miss."""
    wanted = KINDS[kind].params
    if set(params) != set(wanted):
        raise ValueError(f"{kind} is told with {wanted}, not {tuple(params)}")
    return {name: _to_json(value) for name, value in params.items()}


def decoded(params: Mapping[str, object]) -> dict[str, object]:
    """Back from JSON: instants and numbers as themselves, by what their names end in."""
    return {name: _from_json(name, value) for name, value in params.items()}


def next_try(attempts: int, failed_at: datetime) -> datetime | None:
    """When to try again after so many failures; None: never."""
    return failed_at + DELAYS[attempts - 1] if attempts <= len(DELAYS) else None


def _to_json(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _from_json(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return Decimal(value) if name.endswith(("_eur", "_hours", "_ratio")) else value
