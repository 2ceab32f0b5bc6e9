"""An owner's evidence, and each file's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ORGANISATION_LEAD, ORGANISATION_MEMBER, agreed, person
from accounts.models import Organisation
from common import clock
from common.access import guard
from common.errors import DomainError
from common.evidence.serving import download
from common.evidence.uploads import refused_size
from pricing.access import EVIDENCE_FILE, EVIDENCE_LEAD, EVIDENCE_PAGE, REDACTOR
from pricing.errors import EvidenceRefused
from pricing.forms.evidence import AttachForm, EvidenceForm, RedactForm, WidenForm
from pricing.models import Evidence
from pricing.selectors.evidence import (
    evidence_page,
    is_led_by,
    own_evidence,
    published_pool_statement,
    published_statement,
)
from pricing.services import evidence as service


@never_cache
@guard({"GET": ORGANISATION_MEMBER, "POST": agreed(ORGANISATION_LEAD)})
def evidence_files(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """All of them, and for leads the form that adds one."""
    if request.method != "POST":
        return _files_page(request, organisation, EvidenceForm())
    form = EvidenceForm(request.POST, request.FILES, refused=refused_size(request))
    status = 400
    if form.is_valid():
        asked = form.cleaned_data
        try:
            added = service.add_evidence(
                organisation=organisation, title=asked["title"], file=asked["file"],
                visibility=asked["visibility"], by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message)
            status = refusal.status
        else:
            messages.success(request, _said(added))
            return redirect(added)
    return _files_page(request, organisation, form, status=status)


@never_cache
@guard(EVIDENCE_PAGE)
def evidence(request: HttpRequest, evidence: Evidence) -> HttpResponse:
    return _evidence_page(request, evidence)


@guard(EVIDENCE_FILE)
def evidence_file(request: HttpRequest, evidence: Evidence) -> HttpResponseBase:
    """A redacted file is gone, and its page says why."""
    if evidence.redacted_at is not None:
        return _evidence_page(request, evidence, status=410)
    return download(request, path=evidence.content.name or "", sha256=evidence.sha256)


@guard({"POST": agreed(EVIDENCE_LEAD)})
def evidence_widen(request: HttpRequest, evidence: Evidence) -> HttpResponse:
    try:
        service.widen(evidence=evidence, visibility=request.POST.get("visibility", ""), by=person(request))
    except DomainError as refusal:
        return _evidence_page(request, evidence, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Now more people can read it."))
    return redirect(evidence)


@guard({"POST": agreed(EVIDENCE_LEAD)})
def evidence_attach(request: HttpRequest, evidence: Evidence) -> HttpResponse:
    """`place` is what the page's form offers: statement:<uid>:<part> or pool:<uid>:"""
    try:
        _attach(request, evidence, request.POST.get("place", ""))
    except DomainError as refusal:
        return _evidence_page(request, evidence, problem=refusal.message, status=refusal.status)
    messages.success(request, _("It stands there now, and its digest is on its way to the public ledger."))
    return redirect(evidence)


@never_cache
@guard({"GET": REDACTOR, "POST": agreed(REDACTOR)})
def evidence_redact(request: HttpRequest, evidence: Evidence) -> HttpResponse:
    """What redacting means is read before it is done."""
    form = RedactForm(request.POST if request.method == "POST" else None)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            service.redact(
                evidence=evidence, reason=form.cleaned_data["reason"], by=person(request), at=clock.now()
            )
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message)
            status = refusal.status
        else:
            messages.success(request, _("The file is gone. Its digest and your reason stay."))
            return redirect(evidence)
    page = evidence_page(evidence, request.user)
    return render(request, "pricing/evidence_redact.html", {"page": page, "form": form}, status=status)


@guard({"POST": agreed(EVIDENCE_LEAD)})
def evidence_discard(request: HttpRequest, evidence: Evidence) -> HttpResponse:
    try:
        service.discard(evidence=evidence, by=person(request))
    except DomainError as refusal:
        return _evidence_page(request, evidence, problem=refusal.message, status=refusal.status)
    messages.success(request, _("“%(title)s” is discarded.") % {"title": evidence.title})
    return redirect("evidence_files", evidence.organisation.slug)


def _said(evidence: Evidence) -> str:
    if evidence.is_stripped:
        return _("Kept, without what the camera noted of place, time and device.")
    return _("Kept.")


def _attach(request: HttpRequest, evidence: Evidence, place: str) -> None:
    sort, _colon, rest = place.partition(":")
    uid, _colon, part = rest.partition(":")
    to: dict[str, Any] = {"evidence": evidence, "by": person(request), "at": clock.now()}
    if sort == "pool" and (of_pool := published_pool_statement(evidence.organisation, uid)):
        service.attach_to_pool(statement=of_pool, **to)
    elif sort == "statement" and (of_node := published_statement(evidence.organisation, uid)):
        service.attach_to_statement(statement=of_node, part=part, **to)
    else:
        raise EvidenceRefused(_("Choose what it stands behind."), field="place")


def _files_page(
    request: HttpRequest, organisation: Organisation, form: EvidenceForm, status: int = 200
) -> HttpResponse:
    context = {
        "organisation": organisation,
        "rows": own_evidence(organisation),
        "form": form if is_led_by(organisation, person(request)) else None,
    }
    return render(request, "pricing/evidence_files.html", context, status=status)


def _evidence_page(
    request: HttpRequest, evidence: Evidence, *, problem: str = "", status: int = 200
) -> HttpResponse:
    page = evidence_page(evidence, request.user)
    context = {
        "page": page,
        "problem": problem,
        "widen_form": WidenForm(wider=page.wider),
        "attach_form": AttachForm(places=page.attachable),
    }
    return render(request, "pricing/evidence.html", context, status=status)
