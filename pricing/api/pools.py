"""Cost pools: published ones for everybody, drafts for their owner's leads."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, ORGANISATION_LEAD, ORGANISATION_PAGE, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation
from common import clock
from common.api.lists import ListQuery, page_of_lines, page_of_rows
from common.api.shapes import moment
from common.ids import global_id
from pricing.access import POOL_DRAFT_LEAD
from pricing.api.pool_shapes import (
    ChangedPoolDraftMembers,
    NewPoolDraftMembers,
    PoolDraftShape,
    PoolRowShape,
    PoolShape,
    PublishPoolMembers,
)
from pricing.errors import PoolRefused
from pricing.forms.pools import PoolForm, members_of_typed, typed_of_members
from pricing.models import Evidence, PoolDraft, PoolStatement
from pricing.selectors.evidence import evidence_choices
from pricing.selectors.pools import own_pools, pool_json, published_pools, statements_of
from pricing.services import pool_drafts as service


class PoolsApi(PersonalApiView):
    """The cost pools that an organisation has published, by name."""

    access: ClassVar = {"GET": ORGANISATION_PAGE}
    scopes: ClassVar = {"GET": scopes.READ}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [PoolRowShape]}

    def get(self, request: Request, organisation: Organisation) -> Response:
        rows = own_pools(organisation=organisation, at=clock.now()).pools
        lines = sorted((one.newest for one in rows), key=_key)
        page = page_of_lines(request, self.query, lines, _row, _key)
        return Response(page.data, headers=page.headers)


class PoolApi(PersonalApiView):
    """One cost pool with all of its statements."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": scopes.READ}
    answers: ClassVar = {"GET": PoolShape}

    def get(self, request: Request, uid: UUID) -> Response:
        pool = get_object_or_404(published_pools(), uid=uid)
        return Response(pool_json(list(statements_of(pool))))


class PoolDraftsApi(PersonalApiView):
    """Pools of an organisation that are not published yet, newest first."""

    access: ClassVar = {"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = {"GET": scopes.NODES, "POST": scopes.NODES}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": NewPoolDraftMembers}
    answers: ClassVar = {"GET": [PoolDraftShape], "POST": PoolDraftShape}

    def get(self, request: Request, organisation: Organisation) -> Response:
        rows = organisation.pool_drafts.select_related("organisation", "corrects")
        page = page_of_rows(request, self.query, rows.prefetch_related("evidence"), _draft)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, organisation: Organisation) -> Response:
        """Begin a draft; one that corrects a published statement will follow it."""
        uid = self.body.get("corrects")
        corrects = uid and get_object_or_404(PoolStatement, uid=uid, pool__organisation=organisation)
        draft = service.start_draft(
            organisation=organisation, typed=typed_of_members(self.body), corrects=corrects,
            evidence=_evidence(organisation, self.body.get("evidence", [])), by=self.person, at=clock.now(),
        )  # fmt: skip
        return Response(_draft(draft), status=201)


class PoolDraftApi(PersonalApiView):
    """One draft."""

    access: ClassVar = {
        "GET": POOL_DRAFT_LEAD, "PATCH": agreed(POOL_DRAFT_LEAD), "DELETE": POOL_DRAFT_LEAD
    }  # fmt: skip
    scopes: ClassVar = dict.fromkeys(("GET", "PATCH", "DELETE"), scopes.NODES)
    bodies: ClassVar = {"PATCH": ChangedPoolDraftMembers}
    answers: ClassVar = {"GET": PoolDraftShape, "PATCH": PoolDraftShape, "DELETE": None}

    def get(self, request: Request, draft: PoolDraft) -> Response:
        return Response(_draft(draft))

    def patch(self, request: Request, draft: PoolDraft) -> Response:
        """Write what is known by now; what is not named stays. `bases` are written all together.

        With `version`, nothing is written where somebody has saved since.
        """
        version = self.body.pop("version", draft.version)  # at least that from which the rest is taken
        typed = dict(draft.typed)
        if "bases" in self.body:
            typed = {name: text for name, text in members_of_typed(typed).items() if name != "bases"}
        for name, value in self.body.items():
            if value is None:
                typed.pop(name, None)
        typed |= typed_of_members(self.body)
        chosen = self.body.get("evidence")
        kept = list(draft.evidence.all()) if chosen is None else _evidence(draft.organisation, chosen)
        draft = service.save_draft(
            draft=draft, typed=typed, evidence=kept, version=version, by=self.person, at=clock.now()
        )
        return Response(_draft(draft))

    def delete(self, request: Request, draft: PoolDraft) -> Response:
        """Discard it."""
        service.discard_draft(draft=draft, version=None, by=self.person)
        return Response(status=204)


class PoolDraftPublishApi(PersonalApiView):
    """Publish a draft: it cannot be changed then, and a correction follows it."""

    access: ClassVar = {"POST": agreed(POOL_DRAFT_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": PublishPoolMembers}
    answers: ClassVar = {"POST": PoolShape}

    def post(self, request: Request, draft: PoolDraft) -> Response:
        form = PoolForm(draft.typed, organisation=draft.organisation, corrects=draft.corrects)
        if not form.is_valid():
            faults = {name: str(errors[0]) for name, errors in form.errors.items()}
            first = next(iter(faults))
            raise PoolRefused(faults[first], field=first, faults=faults)
        statement = service.publish_draft(
            draft=draft, wanted=form.wanted, reason=form.why,
            version=self.body.get("version", draft.version), by=self.person, at=clock.now(),
        )  # fmt: skip
        return Response(pool_json(list(statements_of(statement.pool))), status=201)


def _evidence(organisation: Organisation, uids: list[UUID]) -> list[Evidence]:
    found = list(evidence_choices(organisation).filter(uid__in=uids))
    if len(found) < len(set(uids)):
        known = {one.uid for one in found}
        missing = next(str(uid) for uid in uids if uid not in known)
        raise PoolRefused(
            _("There is no evidence %(uid)s of yours that is not redacted.") % {"uid": missing},
            field="evidence",
        )
    return found


def _key(statement: PoolStatement) -> list[Any]:
    return [statement.name, str(statement.uid)]


def _row(statement: PoolStatement) -> dict[str, Any]:
    return {
        "uid": str(statement.pool.uid),
        "url": statement.pool.get_absolute_url(),
        "name": statement.name,
        "kind": str(statement.kind),
        "key": str(statement.key),
        "amount_year": str(statement.amount_year),
        "unassigned_share": str(statement.unassigned_share),
        "statement": str(statement.uid),
        "number": statement.number,
    }


def _draft(draft: PoolDraft) -> dict[str, Any]:
    return {
        "id": global_id(draft.uid),
        "uid": str(draft.uid),
        "url": draft.get_absolute_url(),
        "organisation": draft.organisation.slug,
        "corrects": str(draft.corrects.uid) if draft.corrects else None,
        "typed": members_of_typed(draft.typed),
        "evidence": [str(one.uid) for one in draft.evidence.all()],
        "version": draft.version,
        "saved_at": moment(draft.saved_at),
    }
