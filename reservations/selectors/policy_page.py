"""The policy in plain words, every number from the row in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from common import formats
from reservations.domain.policy import Policy as Rules
from reservations.models import Policy
from reservations.selectors.policies import none_in_force


@dataclass(frozen=True)
class Article:
    """One rule as a person reads it, and the member of the JSON that its numbers come from."""

    name: str
    text: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Version:
    number: int
    starts: datetime | None
    ends: datetime | None
    reason: str
    digest: str
    entry: int | None  # its index in the ledger, once it has one


@dataclass(frozen=True)
class PolicyPage:
    version: Version
    articles: tuple[Article, ...]
    rules: dict[str, object]
    versions: tuple[Version, ...]


def policy_page(*, at: datetime) -> PolicyPage:
    rows = list(Policy.objects.select_related("entry"))
    row = next((one for one in rows if _covers(one, at)), None)
    if row is None:
        raise none_in_force()
    rules = Rules.from_json(row.rules)
    return PolicyPage(
        version=_version(row),
        articles=(*_slot_articles(rules), *_share_articles(rules)),
        rules=row.rules,
        versions=tuple(_version(one) for one in rows),
    )


def _covers(policy: Policy, at: datetime) -> bool:
    starts, ends = policy.effective.lower, policy.effective.upper
    return starts is not None and starts <= at and (ends is None or at < ends)


def _version(row: Policy) -> Version:
    return Version(
        number=row.version,
        starts=row.effective.lower,
        ends=row.effective.upper,
        reason=row.reason,
        digest=row.digest,
        entry=row.entry.index,
    )


def _slot_articles(rules: Rules) -> list[Article]:
    return [
        Article(
            gettext("Grid"),
            gettext(
                "A slot starts at once or on a %(mark)d-minute mark, and ends on one."
                " It lasts %(shortest)s to %(longest)s."
            )
            % {
                "mark": rules.mark_minutes,
                "shortest": formats.duration(rules.shortest),
                "longest": formats.duration(rules.longest),
            },
            ("mark_minutes", "shortest_minutes", "longest_hours"),
        ),
        Article(
            gettext("Horizon"),
            gettext("A slot is over within %(days)d days of the moment it is asked for.")
            % {"days": rules.horizon_days},
            ("horizon_days",),
        ),
        Article(
            gettext("Free"),
            gettext(
                "Nobody else holds any of the devices in that time."
                " First come, first served among those with room."
            ),
            (),
        ),
        Article(
            gettext("Published cost"),
            gettext("A device without a published cost statement and tariff in force cannot be booked."),
            (),
        ),
        Article(
            gettext("Budget"),
            gettext(
                "The price fits in grants that are valid over the slot’s hours;"
                " the one that expires first pays first."
            ),
            (),
        ),
        Article(
            gettext("Cancelling"),
            gettext("Free until %(hours)d hours before the start.") % {"hours": rules.free_cancel_hours},
            ("free_cancel_hours",),
        ),
    ]


def _share_articles(rules: Rules) -> list[Article]:
    return [
        Article(
            gettext("Room"),
            gettext(
                "A project may hold s × C × f cost-weighted hours later than %(exempt)d hours from now,"
                " and never less than one whole node for %(least)d hours. s is its share among projects"
                " active in %(active)d days, C what can be booked within the horizon, f = 2 − U/E between"
                " %(low)s and %(high)s: U what it used, decayed, E what its share would use for ever."
            )
            % {
                "exempt": rules.exempt_hours,
                "least": rules.least_node_hours,
                "active": rules.active_days,
                "low": formats.number(float(rules.least_factor)),
                "high": formats.number(float(rules.most_factor)),
            },
            ("exempt_hours", "least_node_hours", "active_days", "least_factor", "most_factor"),
        ),
        Article(
            gettext("Half of a model’s hours"),
            gettext(
                "Later than %(exempt)d hours from now, one project holds at most %(share)s"
                " of a device model’s hours in a week."
            )
            % {"exempt": rules.exempt_hours, "share": formats.percent(float(rules.model_share), 0)},
            ("exempt_hours", "model_share"),
        ),
        Article(
            gettext("Level and order"),
            gettext(
                "Level is promised share over received share. Use counts half after %(days)s"
                " and a quarter after twice that; what is booked counts in full until it is used,"
                " released or cancelled."
                " The least served account goes first, and inside it the least served project (Fair Tree)."
            )
            % {"days": formats.duration(rules.half_life)},
            ("half_life_hours",),
        ),
        Article(
            gettext("Cost-weighted hours"),
            gettext(
                "Hours count by what they cost: device-hours × the full cost per available device-hour of the"
                " statement in force. An hour on a dear device counts for more, in the published proportion."
            ),
            (),
        ),
    ]
