"""Costs that nodes share: the public page of each, and the owner's pages that draft and publish them."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ANYONE, ORGANISATION_LEAD, ORGANISATION_MEMBER, agreed, person
from accounts.models import Organisation
from common import clock
from common.access import guard
from common.errors import DomainError
from pricing.errors import DraftChanged
from pricing.forms.pools import Line, PoolForm, typed_from
from pricing.models import CostPool, PoolDraft, PoolStatement
from pricing.selectors.evidence import is_led_by
from pricing.selectors.pools import (
    POOL_COLUMNS,
    own_pools,
    pool_json as published,
    pool_lines,
    pool_page,
    published_pools,
    statements_of,
)
from pricing.services import pool_drafts as service
from pricing.views.drafts import version_of

LEAD = {"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)}


@guard(ANYONE)
def pool(request: HttpRequest, uid: UUID) -> HttpResponse:
    found = get_object_or_404(published_pools(), uid=uid)
    page = pool_page(pool=found, at=clock.now(), reader=request.user)
    context = {"page": page, "is_lead": is_led_by(found.organisation, request.user)}
    return render(request, "pricing/pool.html", context)


@guard(ANYONE)
def pool_json(request: HttpRequest, uid: UUID) -> HttpResponse:
    return _open(JsonResponse(published(list(statements_of(_pool(uid))))))


@guard(ANYONE)
def pool_csv(request: HttpRequest, uid: UUID) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows([POOL_COLUMNS, *pool_lines(list(statements_of(_pool(uid))))])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="pool-{uid}.csv"'
    return _open(response)


@never_cache
@guard(ORGANISATION_MEMBER)
def pools(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    context = {
        "organisation": organisation,
        "page": own_pools(organisation=organisation, at=clock.now()),
        "is_lead": is_led_by(organisation, person(request)),
    }
    return render(request, "pricing/pools.html", context)


@never_cache
@guard(LEAD)
def pool_new(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """A form that is kept as a draft, or published at once."""
    return _begun(request, organisation, None)


@never_cache
@guard(LEAD)
def pool_correct(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    """The same, from what is published: its successor."""
    statement = (
        PoolStatement.objects.filter(pool__uid=uid, pool__organisation=organisation)
        .prefetch_related("shares__node")
        .select_related("pool")
        .order_by("-number")
        .first()
    )
    if statement is None:
        get_object_or_404(CostPool, uid=uid, organisation=organisation)
    return _begun(request, organisation, statement)


@never_cache
@guard(LEAD)
def pool_draft(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    draft = _draft(organisation, uid)
    if request.method != "POST":
        return _form_page(request, organisation, _form_of(draft), draft.corrects, draft=draft)
    form = PoolForm(request.POST, organisation=organisation, corrects=draft.corrects)
    try:
        return _saved_or_published(request, draft, form)
    except DraftChanged as refusal:
        found = _draft(organisation, uid)
        return _form_page(request, organisation, form, found.corrects, draft=found, changed=refusal)
    except DomainError as refusal:
        _tell(form, refusal)
        return _form_page(request, organisation, form, draft.corrects, draft=draft, status=refusal.status)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def pool_draft_discard(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    draft = _draft(organisation, uid)
    try:
        service.discard_draft(draft=draft, version=version_of(request.POST), by=person(request))
    except DraftChanged as refusal:  # shown as it stands now: whoever still wants to discards that
        messages.error(request, refusal.message)
        return redirect(draft)
    messages.success(request, _("The draft is discarded."))
    return redirect("pools", organisation.slug)


class _NotYet(Exception):
    """What was typed cannot be published: nothing is kept but the page."""


def _begun(request: HttpRequest, organisation: Organisation, corrects: PoolStatement | None) -> HttpResponse:
    if request.method != "POST":
        typed = typed_from(corrects) if corrects else None
        form = PoolForm(initial=typed, organisation=organisation, corrects=corrects)
        return _form_page(request, organisation, form, corrects)
    form = PoolForm(request.POST, organisation=organisation, corrects=corrects)
    try:
        with transaction.atomic():
            form.is_valid()  # a draft keeps the evidence that was ticked, whatever else is wrong
            draft = service.start_draft(
                organisation=organisation, typed=form.typed(), evidence=form.chosen_evidence,
                corrects=corrects, by=person(request), at=clock.now(),
            )  # fmt: skip
            return _saved_or_published(request, draft, form, is_new=True)
    except _NotYet:
        return _form_page(request, organisation, form, corrects, status=400)
    except DomainError as refusal:
        _tell(form, refusal)
        return _form_page(request, organisation, form, corrects, status=refusal.status)


def _saved_or_published(
    request: HttpRequest, draft: PoolDraft, form: PoolForm, *, is_new: bool = False
) -> HttpResponse:
    by, at = person(request), clock.now()
    is_sound = form.is_valid()
    if not is_new:
        draft = service.save_draft(
            draft=draft, typed=form.typed(), evidence=form.chosen_evidence,
            version=version_of(request.POST), by=by, at=at,
        )  # fmt: skip
    if "publish" not in request.POST:
        messages.success(
            request, _("Saved as a draft. Nobody but you and your organisation’s leads sees it.")
        )
        return redirect(draft)
    if not is_sound:
        if is_new:
            raise _NotYet
        return _form_page(request, draft.organisation, form, draft.corrects, draft=draft, status=400)
    statement = service.publish_draft(
        draft=draft, wanted=form.wanted, reason=form.why, version=draft.version, by=by, at=at
    )
    messages.success(request, _("Published, and on its way to the public ledger."))
    return redirect(statement.pool)


def _form_of(draft: PoolDraft) -> PoolForm:
    """What is missing is told when it is published, not on opening it."""
    chosen = [str(one.uid) for one in draft.evidence.all()]
    typed = {**draft.typed, "evidence": chosen}
    return PoolForm(initial=typed, organisation=draft.organisation, corrects=draft.corrects)


def _so_far(form: PoolForm, draft: PoolDraft | None) -> list[Line]:
    if draft is not None and not form.is_bound:
        form = PoolForm(draft.typed, organisation=draft.organisation, corrects=draft.corrects)
        form.is_valid()
    return form.so_far


def _tell(form: PoolForm, refusal: DomainError) -> None:
    faults: Any = refusal.details.get("faults")
    form.refuse(refusal.field, refusal.message, faults)


def _draft(organisation: Organisation, uid: UUID) -> PoolDraft:
    rows = PoolDraft.objects.select_related("corrects__pool", "organisation", "saved_by")
    return get_object_or_404(rows, organisation=organisation, uid=uid)


def _pool(uid: UUID) -> CostPool:
    return get_object_or_404(published_pools(), uid=uid)


def _form_page(
    request: HttpRequest,
    organisation: Organisation,
    form: PoolForm,
    corrects: PoolStatement | None,
    *,
    draft: PoolDraft | None = None,
    changed: DraftChanged | None = None,
    status: int = 200,
) -> HttpResponse:
    """`changed`: somebody else saved meanwhile. Whoever sends again has read what stands there."""
    context = {
        "organisation": organisation, "form": form, "corrects": corrects, "draft": draft,
        "so_far": _so_far(form, draft), "changed": changed,
        "differing": form.differing(draft.typed, list(draft.evidence.all())) if changed and draft else [],
    }  # fmt: skip
    return render(request, "pricing/pool_form.html", context, status=changed.status if changed else status)


def _open(response: HttpResponse) -> HttpResponse:
    """Anybody's page may read published figures; nothing here depends on who asks."""
    response["Access-Control-Allow-Origin"] = "*"
    return response
