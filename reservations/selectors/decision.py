"""A stored decision as a page and as open data: the request, every rule with its numbers, the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from accounts.models import Project, User
from common import formats
from common.ranges import bounds
from nodes.models import Device
from reservations import wording
from reservations.domain import exact_json
from reservations.domain.asking import Request
from reservations.models import Decision, RefusedChange
from reservations.selectors.budgets import left_then
from reservations.selectors.decisions import answer_of
from reservations.selectors.fleets import fleet
from reservations.selectors.offers import OfferRow, offer_rows, way_through
from reservations.selectors.places import where_refused
from reservations.selectors.preview import Asked, Nearest
from reservations.wording import RuleWords


@dataclass(frozen=True)
class DecisionPage:
    decision: Decision
    project: Project
    title: str  # the devices that were asked for
    places: tuple[tuple[str, str], ...]  # name and address of each node
    start: datetime
    end: datetime
    is_granted: bool
    headline: str
    rules: tuple[RuleWords, ...]
    total: Decimal | None
    nearest: Nearest | None  # the shortest way through
    offers: tuple[OfferRow, ...]
    again_url: str  # the page where it was asked for, with the same contents
    refused_change: RefusedChange | None  # of which slot, where it was no booking
    reservation_url: str
    policy_version: int
    entry: int | None

    @property
    def during(self) -> str:
        return formats.span(self.start, self.end)

    @property
    def changed_slot(self) -> str:
        """When the slot is that was not changed; empty of a booking."""
        refused = self.refused_change
        return formats.span(*bounds(refused.reservation.during)) if refused else ""

    def count(self, outcome: str) -> int:
        return sum(rule.outcome == outcome for rule in self.rules)

    @property
    def refused(self) -> int:
        return self.count("refused")

    @property
    def passed(self) -> int:
        return self.count("passed")

    @property
    def idle(self) -> int:
        return self.count("idle")


def decisions_of(user: User) -> QuerySet[Decision]:
    """Those that this person may read, with all that the page and its twin show of them."""
    return Decision.objects.of(user).select_related(
        "project", "policy", "entry", "taken_on", "reservation", "refused_change__reservation"
    )


def decision_page(*, decision: Decision) -> DecisionPage:
    """Of one out of `decisions_of`. What is offered instead is taken up where it was asked for."""
    request = exact_json.read(Request, decision.request)
    answer = answer_of(decision)
    devices = _devices(request)
    starts_at_once = request.start == request.at
    left = left_then(snapshot=decision.snapshot, start=request.start, end=request.end)
    asked = Asked(
        decision.project, devices, None if starts_at_once else request.start, request.end, request.at
    )
    reservation = getattr(decision, "reservation", None)
    refused_change = getattr(decision, "refused_change", None)
    place = where_refused(refused_change)
    offers = () if answer.is_granted else offer_rows(asked=asked, answer=answer, place=place)
    return DecisionPage(
        decision=decision,
        project=decision.project,
        title=fleet(devices),
        places=tuple(dict.fromkeys((one.node.name, one.node.get_absolute_url()) for one in devices)),
        start=request.start,
        end=request.end,
        is_granted=answer.is_granted,
        headline=wording.headline(answer),
        rules=tuple(wording.rules(answer, left)),
        total=answer.quote.total if answer.quote else None,
        nearest=way_through(asked=asked, answer=answer, offers=offers, place=place),
        offers=offers,
        again_url=place(decision.project.slug, asked.uids, asked.start, asked.end),
        refused_change=refused_change,
        reservation_url=reservation.get_absolute_url() if reservation else "",
        policy_version=decision.policy.version,
        entry=decision.entry.index,
    )


def decision_json(*, decision: Decision) -> dict[str, Any]:
    """All that the digest covers, so that anybody who has it can replay the decision."""
    return {
        "decision": str(decision.uid),
        "engine": decision.engine,
        "policy": decision.policy.rules,
        "policy_version": decision.policy.version,
        "request": decision.request,
        "snapshot": decision.snapshot,
        "snapshot_digest": decision.taken_on_id,
        "answer": answer_of(decision).to_json(),
        "sentences": wording.as_json(answer_of(decision)),
        "digest": decision.digest,
        "decided_at": exact_json.moment(decision.decided_at),
        "ledger_entry": decision.entry.index,
        "refused_change": _refused_change(getattr(decision, "refused_change", None)),
    }


def _refused_change(refused: RefusedChange | None) -> dict[str, Any] | None:
    if refused is None:
        return None
    return {"reservation": str(refused.reservation.uid), "change": refused.change}


def _devices(request: Request) -> Sequence[Device]:
    found = Device.objects.filter(uid__in=request.devices).select_related("node__site")
    return list(found.order_by("node_id", "index"))
