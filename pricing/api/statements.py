"""What a node costs, for programs: drafts, published statements, corrections, withdrawals, prices."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock, formats
from common.access import ANYONE
from common.api.conditions import require_unchanged
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import moment
from common.ids import global_id
from nodes.models import Node
from pricing import wording
from pricing.access import NODE_LEAD
from pricing.api.statement_shapes import (
    CallOffMembers,
    CorrectMembers,
    DraftMembers,
    DraftShape,
    PreviewMembers,
    PreviewShape,
    PriceMembers,
    PublishMembers,
    StatementShape,
    TariffShape,
    WithdrawMembers,
)
from pricing.domain.cost import rounded
from pricing.domain.declared import plain
from pricing.errors import StatementRefused
from pricing.models import CostStatement, Evidence, StatementDraft, Tariff
from pricing.selectors.drafts import Effect, effect
from pricing.selectors.wizard import draft_of
from pricing.services import drafts, tariffs
from pricing.services.calling_off import call_off_tariff
from pricing.services.storable import storable
from pricing.services.withdrawing import withdraw_statement

_FIGURES = ("full_available", "full_delivered", "chargeable_available", "chargeable_delivered")


# --- the calls -----------------------------------------------------------------------------------------
class StatementsApi(PersonalApiView):
    """The published cost statements of a node, newest first."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [StatementShape]}

    def get(self, request: Request, slug: str) -> Response:
        rows = _statements().filter(node=_public(slug))
        page = page_of_rows(request, self.query, rows, _statement, ("-number",))
        return Response(page.data, headers=page.headers)


class DraftApi(PersonalApiView):
    """The draft of a node’s next cost statement. There is one at a time, for all leads of its owner."""

    access: ClassVar = {"GET": NODE_LEAD, "PUT": agreed(NODE_LEAD), "DELETE": NODE_LEAD}
    scopes: ClassVar = dict.fromkeys(("GET", "PUT", "DELETE"), scopes.NODES)
    bodies: ClassVar = {"PUT": DraftMembers}
    answers: ClassVar = {"GET": DraftShape, "PUT": DraftShape, "DELETE": None}
    conditional: ClassVar = frozenset({"PUT", "DELETE"})

    def get(self, request: Request, node: Node) -> Response:
        return Response(_draft(_found(node)))

    @transaction.atomic
    def put(self, request: Request, node: Node) -> Response:
        """Write the draft, begun where there is none. Nothing of it is public."""
        asked, at = self.body, clock.now()
        draft = drafts.open_draft(node=node, by=self.person, at=at)
        require_unchanged(request, _draft(draft))
        draft = drafts.replace_draft(
            node=node, declared=asked["declared"], version=None, by=self.person, at=at,
            reason=asked.get("reason"), evidence=self._evidence(node),
        )  # fmt: skip
        return Response(_draft(draft))

    @transaction.atomic
    def delete(self, request: Request, node: Node) -> Response:
        """Throw the draft away."""
        _found(node)
        require_unchanged(request, _draft(drafts.lock(node)))
        drafts.discard_draft(node=node, version=None)
        return Response(status=204)

    def _evidence(self, node: Node) -> list[tuple[str, Evidence]] | None:
        asked = self.body.get("evidence")
        if asked is None:
            return None
        known = Evidence.objects.filter(organisation=node.owner, redacted_at=None)
        return [(row["part"], get_object_or_404(known, uid=row["evidence"])) for row in asked]


class PreviewApi(PersonalApiView):
    """What a declaration comes to, what is wrong with it and what is unusual; nothing is kept."""

    access: ClassVar = {"POST": NODE_LEAD}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": PreviewMembers}
    answers: ClassVar = {"POST": PreviewShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, node: Node) -> Response:
        at = clock.now()
        begins = self.body.get("effective_from") or at
        drafts.require_day(begins, at)
        declared = storable(self.body["declared"])
        if len(str(declared)) > drafts.LARGEST_DRAFT:
            raise StatementRefused(
                _("A draft has at most %(limit)s characters.")
                % {"limit": formats.number(drafts.LARGEST_DRAFT)},
                field="declared",
            )
        return Response(_preview(effect(node=node, declared=declared, at=begins)))


class PublishApi(PersonalApiView):
    """Publish the draft of a node: from then on nobody can change it."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": PublishMembers}
    answers: ClassVar = {"POST": StatementShape}

    def post(self, request: Request, node: Node) -> Response:
        asked, at = self.body, clock.now()
        statement = drafts.publish_draft(
            node=node, version=asked.get("version"), effective_from=asked.get("effective_from") or at,
            effective_until=asked.get("effective_until"), by=self.person, at=at, reason=asked.get("reason"),
        )  # fmt: skip
        return Response(_statement(_statements().get(pk=statement.pk)), status=201)


class CorrectApi(PersonalApiView):
    """Begin the draft of a successor, with the same figures and the reason for it."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": CorrectMembers}
    answers: ClassVar = {"POST": DraftShape}

    def post(self, request: Request, node: Node, number: int) -> Response:
        statement = _numbered(node, number)
        draft = drafts.start_draft(
            node=node, corrects=statement, reason=self.body["reason"], by=self.person, at=clock.now()
        )
        return Response(_draft(draft), status=201)


class WithdrawApi(PersonalApiView):
    """End a statement and the price with it. Nobody can book the node then; booked slots stay."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": WithdrawMembers}
    answers: ClassVar = {"POST": StatementShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, node: Node, number: int) -> Response:
        at = clock.now()
        withdraw_statement(
            statement=_numbered(node, number), ends_at=self.body.get("ends_at") or at,
            reason=self.body["reason"], by=self.person, at=at,
        )  # fmt: skip
        return Response(_statement(_statements().get(node=node, number=number)))


class TariffsApi(PersonalApiView):
    """The prices of a node, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"GET": "", "POST": scopes.NODES}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": PriceMembers}
    answers: ClassVar = {"GET": [TariffShape], "POST": TariffShape}
    refusals: ClassVar = {"POST": {"above_cap": 400, "tariff_refused": 400, "period_taken": 409}}

    def get(self, request: Request, slug: str) -> Response:
        rows = _tariffs().filter(node=_public(slug))
        page = page_of_rows(request, self.query, rows, _tariff, ("-number",))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, node: Node) -> Response:
        """Ask the price that follows from the statement, less, or more within the cap."""
        at = clock.now()
        tariff = tariffs.set_price(
            node=node, price=self.body.get("price"), effective_from=self.body.get("effective_from") or at,
            by=self.person, at=at,
        )  # fmt: skip
        return Response(_tariff(tariff), status=201)


class CallOffApi(PersonalApiView):
    """Call off an announced price before it begins. The one before it goes on."""

    access: ClassVar = {"POST": agreed(NODE_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": CallOffMembers}
    answers: ClassVar = {"POST": TariffShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"call_off_refused": 409}}

    def post(self, request: Request, node: Node, number: int) -> Response:
        tariff = get_object_or_404(Tariff, node=node, number=number)
        call_off_tariff(tariff=tariff, reason=self.body["reason"], by=self.person, at=clock.now())
        return Response(_tariff(_tariffs().get(pk=tariff.pk)))


def _public(slug: str) -> Node:
    return get_object_or_404(Node.objects.exclude(state=Node.State.DRAFT), slug=slug)


def _found(node: Node) -> StatementDraft:
    draft = draft_of(node)
    if draft is None:
        raise Http404
    return draft


def _numbered(node: Node, number: int) -> CostStatement:
    return get_object_or_404(CostStatement, node=node, number=number)


def _statements() -> Any:
    return CostStatement.objects.select_related("node", "corrects", "withdrawal").prefetch_related(
        "components"
    )


def _tariffs() -> Any:
    return Tariff.objects.select_related("node", "statement", "policy", "exception", "call_off")


def _draft(draft: StatementDraft) -> dict[str, Any]:
    return {
        "node": draft.node.slug,
        "version": draft.version,
        "declared": draft.declared,
        "corrects": draft.corrects.number if draft.corrects else None,
        "reason": draft.reason,
        "evidence": [
            {"part": row.part, "evidence": str(row.evidence.uid), "title": row.evidence.title}
            for row in draft.evidence.select_related("evidence")
        ],
        "saved_at": moment(draft.saved_at),
    }


def _preview(seen: Effect) -> dict[str, Any]:
    cost = seen.cost
    return {
        "is_publishable": not seen.faults,
        "costs": {name: plain(rounded(getattr(cost, name))) for name in _FIGURES} if cost else None,
        "components": [
            {
                "kind": str(line.kind),
                "full_year": plain(rounded(line.full_year)),
                "chargeable_year": plain(rounded(line.chargeable_year)),
            }
            for line in (cost.components if cost else ())
        ],
        "faults": [{"field": one.field, "detail": wording.fault_sentence(one)} for one in seen.faults],
        "warnings": [
            {"field": one.field, "detail": one.sentence, "cited": one.source} for one in seen.warnings
        ],
    }


def _statement(statement: CostStatement) -> dict[str, Any]:
    withdrawal = getattr(statement, "withdrawal", None)
    return {
        "id": global_id(statement.uid),
        "uid": str(statement.uid),
        "node": statement.node.slug,
        "number": statement.number,
        "effective_from": moment(statement.effective_from),
        "effective_until": moment(statement.effective_until),
        "declared": statement.declared,
        "costs": {name: plain(getattr(statement, name)) for name in _FIGURES},
        "components": [
            {
                "kind": row.kind,
                "full_year": plain(row.full_year),
                "chargeable_year": plain(row.chargeable_year),
            }
            for row in statement.components.all()
        ],
        "corrects": statement.corrects.number if statement.corrects else None,
        "reason": statement.reason,
        "withdrawn": {"reason": withdrawal.reason, "at": moment(withdrawal.withdrawn_at)}
        if withdrawal
        else None,
        "sha256": statement.digest,
        "published_at": moment(statement.published_at),
    }


def _tariff(tariff: Tariff) -> dict[str, Any]:
    return {
        "id": global_id(tariff.uid),
        "uid": str(tariff.uid),
        "node": tariff.node.slug,
        "number": tariff.number,
        "statement": tariff.statement.number,
        "effective_from": moment(tariff.effective_from),
        "effective_until": moment(tariff.effective_until),
        "price": str(tariff.price),
        "carried": str(tariff.carried),
        "owner_adjustment": str(tariff.owner_adjustment),
        "policy": tariff.policy.version if tariff.policy else None,
        "limit": None if tariff.limit is None else str(tariff.limit),
        "exception": str(tariff.exception.uid) if tariff.exception else None,
        "called_off": {"reason": tariff.call_off.reason, "at": moment(tariff.call_off.called_off_at)}
        if tariff.is_called_off
        else None,
        "sha256": tariff.digest,
        "published_at": moment(tariff.published_at),
    }
