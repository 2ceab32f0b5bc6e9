"""The rules of a policy as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from common import formats
from reservations import wording
from reservations.domain.calendar import PEAK, Calendar
from reservations.domain.policy import Policy as Rules


@dataclass(frozen=True)
class Article:
    """One rule as a person reads it, and the member of the JSON that its numbers come from."""

    name: str
    text: str
    members: tuple[str, ...]


def articles_of(rules: Rules) -> tuple[Article, ...]:
    """Those that the policy has, in the order in which a slot meets them."""
    return (*_slot_articles(rules), *_share_articles(rules), *_interest_articles(rules))


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
        Article(
            gettext("Moving, extending, handing over"),
            gettext(
                "A slot that is moved is given up for the new one, and hours added to one are asked for:"
                " both are decided by all of these rules. Whoever takes a slot over holds it under their own"
                " cap."
            ),
            (),
        ),
        Article(
            gettext("Caps of members"),
            gettext(
                "A project’s leads may say how many device-hours a member holds of slots that begin in one"
                " month."
            ),
            (),
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
                " of a device model’s hours in a week, from Monday 00:00 UTC to the next."
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


def _interest_articles(rules: Rules) -> list[Article]:
    """Those of which a policy may say nothing: then there is no such rule."""
    found = []
    if rules.peak is not None:
        found.append(_peak_article(rules.peak))
    if rules.floor_share is not None and rules.floor_ahead_hours is not None:
        found.append(_floor_article(rules))
    if rules.commerce_share is not None:
        share = wording.policy_value("commerce_share", rules.commerce_share)
        text = gettext(
            "Commercial classes together have at most %(share)s of the hours of a node that public money"
            " bought, in each quarter and in each year."
        )
        found.append(Article(gettext("Commerce"), text % {"share": share}, ("commerce_share", "classes")))
    if rules.no_show_minutes is not None and rules.no_show_part is not None:
        found.append(_no_show_article(rules))
    if rules.no_shows_most is not None:
        found.append(_sanction_article(rules))
    return found


def _peak_article(peak: Calendar) -> Article:
    text = gettext("Of a week, %(hours)s are peak, by the clocks of each site; the rest is off-peak.")
    if peak.holidays_off_peak:
        text += " " + gettext("Public holidays of the site’s country are off-peak all day.")
    hours = formats.number(int(peak.hours_of(PEAK).total_seconds() // 3600))
    return Article(gettext("Peak hours"), text % {"hours": f"{hours} h"}, ("peak",))


def _floor_article(rules: Rules) -> Article:
    assert rules.floor_share is not None
    return Article(
        gettext("Public-interest floor"),
        gettext(
            "Of each device model’s hours in a week, in peak and in off-peak hours, %(floor)s are kept for"
            " projects of public interest: all others together hold at most %(rest)s, counting hours more"
            " than %(ahead)d hours ahead when they were granted. On a node that public money bought in a"
            " larger part, that part is kept."
        )
        % {
            "floor": wording.policy_value("floor_share", rules.floor_share),
            "rest": wording.policy_value("floor_share", 1 - rules.floor_share),
            "ahead": rules.floor_ahead_hours,
        },
        ("floor_share", "floor_ahead_hours", "peak", "classes"),
    )


def _no_show_article(rules: Rules) -> Article:
    assert rules.no_show_part is not None
    return Article(
        gettext("No-shows"),
        gettext(
            "Where nothing runs and nobody checks in for %(minutes)d minutes, or for %(part)s of a shorter"
            " slot, the rest is released. What a node’s fault or a waiting queue kept from running is no"
            " no-show. Whoever did come appeals on the slot’s page, and a steward answers."
        )
        % {
            "minutes": rules.no_show_minutes,
            "part": wording.policy_value("no_show_part", rules.no_show_part),
        },
        ("no_show_minutes", "no_show_part"),
    )


def _sanction_article(rules: Rules) -> Article:
    return Article(
        gettext("Too many no-shows"),
        gettext(
            "After %(most)d no-shows of one person within %(days)d days, hours in the next %(exempt)d hours"
            " need room too, for %(sanction)d days."
        )
        % {
            "most": rules.no_shows_most,
            "days": rules.no_show_days,
            "exempt": rules.exempt_hours,
            "sanction": rules.sanction_days,
        },
        ("no_shows_most", "no_show_days", "sanction_days", "exempt_hours"),
    )
