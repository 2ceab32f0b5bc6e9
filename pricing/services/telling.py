"""Telling owners what becomes of their prices and statements: the leads of a node's owner."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from accounts.models import OrganisationMembership, User
from accounts.services.notices import notify
from common.ranges import bounds
from nodes.models import Node
from pricing.models import CostStatement, PriceException, Tariff
from pricing.selectors.caps import prices_above
from pricing.selectors.statement_state import review_since, to_review


def leads_of(node: Node, *, but: User | None = None) -> list[User]:
    """But for who did it."""
    leads = User.objects.filter(
        organisation_memberships__organisation=node.owner_id,
        organisation_memberships__role=OrganisationMembership.Role.LEAD,
    )
    return [lead for lead in leads if lead != but]


def price_lowered(lowered: Tariff, *, before: Tariff, by: User, at: datetime) -> None:
    """Whoever publishes the statement sees it before; the other leads are told."""
    notify(
        users=leads_of(lowered.node, but=by), kind="price_lowered",
        params={
            "node": lowered.node.name, "statement": lowered.statement.number, "before_eur": before.price,
            "price_eur": lowered.price, "begins_at": lowered.effective_from,
        },
        url=_tariffs(lowered.node), dedupe=f"price_lowered:{lowered.uid}", at=at,
    )  # fmt: skip


def price_called_off(tariff: Tariff, *, reason: str, by: User, at: datetime) -> None:
    notify(
        users=leads_of(tariff.node, but=by), kind="price_called_off",
        params={
            "node": tariff.node.name, "price_eur": tariff.price, "begins_at": tariff.effective_from,
            "reason": reason,
        },
        url=_tariffs(tariff.node), dedupe=f"price_called_off:{tariff.uid}", at=at,
    )  # fmt: skip


def exception_granted(exception: PriceException, *, at: datetime) -> None:
    begins, ends = bounds(exception.effective)
    notify(
        users=leads_of(exception.node), kind="price_exception_granted",
        params={
            "node": exception.node.name, "price_eur": exception.highest_price, "begins_at": begins,
            "until_at": ends, "reason": exception.reason,
        },
        url=exception.get_absolute_url(), dedupe=f"price_exception:{exception.uid}", at=at,
    )  # fmt: skip


def exception_ended(exception: PriceException, *, ended: Tariff | None, at: datetime) -> None:
    """`ended`: the price in force that ended with it."""
    notify(
        users=leads_of(exception.node), kind="price_exception_ended",
        params={
            "node": exception.node.name, "until_at": at, "price_eur": ended.price if ended else None,
            "reason": exception.end_reason,
        },
        url=exception.get_absolute_url(), dedupe=f"price_exception_ended:{exception.uid}", at=at,
    )  # fmt: skip


# --- what a sweep looks for; told twice it is told once ------------------------------------------------
def tell_owners(*, at: datetime) -> None:
    """Of statements whose year is over, and of prices in force that have come to lie above the cap."""
    for statement in to_review(at=at):
        _year_is_over(statement, at)
    for one in prices_above(at=at):
        policy = one.bound.policy.version if one.bound.policy else 0
        notify(
            users=leads_of(one.node), kind="price_above_cap",
            params={
                "node": one.node.name, "price_eur": one.tariff.price, "limit_eur": one.bound.highest,
            },
            url=reverse("tariff_new", args=[one.node.slug]),
            dedupe=f"above_cap:{one.tariff.uid}:{one.statement.uid}:{policy}", at=at,
        )  # fmt: skip


def _year_is_over(statement: CostStatement, at: datetime) -> None:
    notify(
        users=leads_of(statement.node), kind="statement_to_review",
        params={
            "node": statement.node.name, "statement": statement.number,
            "since_at": review_since(statement),
        },
        url=_tariffs(statement.node), dedupe=f"statement_to_review:{statement.uid}", at=at,
    )  # fmt: skip


def _tariffs(node: Node) -> str:
    return reverse("node_statements", args=[node.slug])
