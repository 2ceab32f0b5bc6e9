"""Cost pools: published ones for everybody, drafts for their owner's leads."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, ORGANISATION_LEAD, ORGANISATION_PAGE, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_lines, page_of_rows
from common.api.shapes import Shape, moment
from common.ids import global_id
from common.lines import require_one_line
from pricing.access import POOL_DRAFT_LEAD
from pricing.errors import PoolRefused
from pricing.forms.pools import PoolForm, members_of_typed, typed_of_members
from pricing.models import Evidence, PoolDraft, PoolStatement
from pricing.selectors.evidence import evidence_choices
from pricing.selectors.pools import own_pools, pool_json, published_pools, statements_of
from pricing.services import pools as service

_KINDS, _KEYS = PoolStatement.Kind.values, PoolStatement.Key.values


def _number(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=18, decimal_places=4, required=False, allow_null=True, **options
    )


class PoolDraftMembers(Members):
    """Whatever is known so far; publishing says what is missing."""

    name = serializers.CharField(max_length=80, required=False, validators=[require_one_line])
    kind = serializers.ChoiceField(_KINDS, required=False, help_text="The component of a node’s cost.")
    amount_year = _number(help_text="EUR.")
    worked_out = serializers.CharField(max_length=2000, required=False)
    first_day = serializers.DateField(required=False, help_text="UTC.")
    last_day = serializers.DateField(required=False, allow_null=True, help_text="Null: until further notice.")
    key = serializers.ChoiceField(_KEYS, required=False)
    whole = _number(help_text="All that the cost serves; null: the nodes’ bases are all.")
    bases = serializers.DictField(
        child=serializers.DecimalField(max_digits=18, decimal_places=4), required=False,
        help_text="Of the key, by the node’s slug.",
    )  # fmt: skip
    evidence = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=50)
    reason = serializers.CharField(
        max_length=500, required=False, validators=[require_one_line],
        help_text="Of a correction: why.",
    )  # fmt: skip

    example: ClassVar = {
        "name": "Rack in Lyon",
        "kind": "hosting",
        "amount_year": "9000.0000",
        "worked_out": "Contract 2026-114: 750 EUR a month.",
        "first_day": "2027-01-01",
        "key": "rack_units",
        "whole": "42.0000",
        "bases": {"lyon-h100": "12.0000"},
    }


class NewPoolDraftMembers(PoolDraftMembers):
    corrects = serializers.UUIDField(
        required=False, allow_null=True, help_text="The newest statement of the pool that it will follow."
    )


class PoolDraftShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    url = serializers.CharField()
    organisation = serializers.SlugField()
    corrects = serializers.UUIDField(allow_null=True)
    typed = serializers.DictField(help_text="As it was written last, here or on the page.")
    evidence = serializers.ListField(child=serializers.UUIDField())
    saved_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "uid": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "url": "/organisations/lab-lyon/pools/drafts/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f/",
        "organisation": "lab-lyon",
        "corrects": None,
        "typed": {"name": "Rack in Lyon", "bases": {"lyon-h100": "12.0000"}},
        "evidence": [],
        "saved_at": "2026-11-22T18:45:00Z",
    }


class PoolRowShape(Shape):
    uid = serializers.UUIDField()
    url = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(_KINDS)
    key = serializers.ChoiceField(_KEYS)
    amount_year = serializers.CharField(help_text="EUR.")
    unassigned_share = serializers.CharField()
    statement = serializers.UUIDField(help_text="The newest one.")
    number = serializers.IntegerField()

    example: ClassVar = {
        "uid": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "url": "/pools/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f/",
        "name": "Rack in Lyon",
        "kind": "hosting",
        "key": "rack_units",
        "amount_year": "9000.000000",
        "unassigned_share": "0.714285714286",
        "statement": "01930701-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "number": 1,
    }


class PoolShape(Shape):
    pool = serializers.UUIDField()
    organisation = serializers.SlugField()
    statements = serializers.ListField(
        child=serializers.DictField(),
        help_text="Newest first: each in its published form, with its digest, its end and its ledger index.",
    )

    example: ClassVar = {
        "pool": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "organisation": "lab-lyon",
        "statements": [{"number": 1, "name": "Rack in Lyon", "amount_year": "9000", "key": "rack_units"}],
    }


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
    bodies: ClassVar = {"PATCH": PoolDraftMembers}
    answers: ClassVar = {"GET": PoolDraftShape, "PATCH": PoolDraftShape, "DELETE": None}

    def get(self, request: Request, draft: PoolDraft) -> Response:
        return Response(_draft(draft))

    def patch(self, request: Request, draft: PoolDraft) -> Response:
        """Write what is known by now; what is not named stays. `bases` are written all together."""
        typed = dict(draft.typed)
        if "bases" in self.body:
            typed = {name: text for name, text in members_of_typed(typed).items() if name != "bases"}
        for name, value in self.body.items():
            if value is None:
                typed.pop(name, None)
        typed |= typed_of_members(self.body)
        chosen = self.body.get("evidence")
        kept = list(draft.evidence.all()) if chosen is None else _evidence(draft.organisation, chosen)
        draft = service.save_draft(draft=draft, typed=typed, evidence=kept, by=self.person, at=clock.now())
        return Response(_draft(draft))

    def delete(self, request: Request, draft: PoolDraft) -> Response:
        """Discard it."""
        service.discard_draft(draft=draft, by=self.person)
        return Response(status=204)


class PoolDraftPublishApi(PersonalApiView):
    """Publish a draft: it cannot be changed then, and a correction follows it."""

    access: ClassVar = {"POST": agreed(POOL_DRAFT_LEAD)}
    scopes: ClassVar = {"POST": scopes.NODES}
    answers: ClassVar = {"POST": PoolShape}

    def post(self, request: Request, draft: PoolDraft) -> Response:
        form = PoolForm(draft.typed, organisation=draft.organisation, corrects=draft.corrects)
        if not form.is_valid():
            faults = {name: str(errors[0]) for name, errors in form.errors.items()}
            first = next(iter(faults))
            raise PoolRefused(faults[first], field=first, faults=faults)
        statement = service.publish_draft(
            draft=draft, wanted=form.wanted, reason=form.why, by=self.person, at=clock.now()
        )
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
        "saved_at": moment(draft.saved_at),
    }
