"""An organisation's accounts: the tree below them, opening projects, parting shares, ends."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ORGANISATION_LEAD, agreed, person
from accounts.domain.classes import vouched_for_by
from accounts.models import Organisation
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations import wording
from reservations.forms.inside import LeadForm, OpenForm, SharesForm
from reservations.forms.standing import EndForm
from reservations.models import Vertex
from reservations.selectors.consequences import cancelled_by_end, live_slots
from reservations.selectors.inside import SharesPage, shares_page, vertices_of
from reservations.selectors.leading import leading
from reservations.services import inside, standing


@never_cache
@guard({"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)})
def organisation_shares(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """POST opens a project."""
    page = shares_page(organisation=organisation, at=clock.now())
    form = _open_form(request, page)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            inside.open_inside(
                organisation=organisation, account=Vertex.objects.get(pk=asked["account"]),
                name=asked["name"], summary=asked["summary"], shares_among_siblings=asked["shares"],
                project_class=asked["project_class"], class_expires_at=asked["class_expires_at"],
                reason=asked["reason"], lead_email=asked["lead_email"], by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            return _shares(request, page, form, status=refusal.status)
        messages.success(request, _("Opened."))
        return redirect("organisation_shares", organisation.slug)
    return _shares(request, page, form, status=400 if form.is_bound else 200)


@never_cache
@guard({"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)})
def organisation_share(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponse:
    """POST changes the shares; with `?ends=` the page tells which slots an end would cancel."""
    vertex = _vertex(organisation, pk)
    if request.method != "POST":
        end_form = EndForm(request.GET) if "ends" in request.GET else None
        return _share(request, organisation, vertex, end_form=end_form)
    form = SharesForm(request.POST)
    if form.is_valid():
        try:
            inside.change_shares(
                organisation=organisation,
                vertex=vertex,
                count=form.cleaned_data["shares"],
                by=person(request),
            )
        except DomainError as refusal:
            form.add_error("shares", refusal.message)
            return _share(request, organisation, vertex, shares_form=form, status=refusal.status)
        messages.success(request, _("Saved."))
        return redirect("organisation_shares", organisation.slug)
    return _share(request, organisation, vertex, shares_form=form, status=400)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def organisation_share_end(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponse:
    vertex, form = _vertex(organisation, pk, is_project=True), EndForm(request.POST)
    if form.is_valid():
        assert vertex.project is not None
        try:
            count = standing.set_expiry(
                project=vertex.project, expires_at=form.cleaned_data["ends"], by=person(request),
                at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error("ends", refusal.message)
            return _share(request, organisation, vertex, end_form=form, status=refusal.status)
        messages.success(request, _("Saved.") + " " + wording.called_off(count))
        return redirect("organisation_share", organisation.slug, pk)
    return _share(request, organisation, vertex, end_form=form, status=400)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def organisation_share_invite(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponse:
    """Invite somebody else, or the same again, to lead a project that nobody leads."""
    vertex, form = _vertex(organisation, pk, is_project=True), LeadForm(request.POST)
    if not form.is_valid():
        return _share(request, organisation, vertex, lead_form=form, status=400)
    assert vertex.project is not None
    try:
        sent = inside.invite_lead(
            organisation=organisation, project=vertex.project, email=form.cleaned_data["email"],
            by=person(request), at=clock.now(),
        )  # fmt: skip
    except DomainError as refusal:
        # Above all else: where somebody leads it or is invited by now, the form is no longer there.
        return _share(
            request, organisation, vertex, lead_form=form, problem=refusal.message, status=refusal.status
        )
    if sent is None:
        messages.success(request, _("You lead %(name)s now.") % {"name": vertex.project})
    else:
        messages.success(request, _("%(email)s is invited to lead it.") % {"email": sent.email})
    return redirect("organisation_share", organisation.slug, pk)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def organisation_share_resend(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponse:
    """Send the invitation to lead the project once more."""
    vertex = _vertex(organisation, pk, is_project=True)
    assert vertex.project is not None
    try:
        inside.invite_lead_again(
            organisation=organisation, project=vertex.project, by=person(request), at=clock.now()
        )
    except DomainError as refusal:
        return _share(request, organisation, vertex, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Sent again. The link in the older mail no longer works."))
    return redirect("organisation_share", organisation.slug, pk)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def organisation_share_withdraw(request: HttpRequest, organisation: Organisation, pk: int) -> HttpResponse:
    """Take the invitation to lead the project back."""
    vertex = _vertex(organisation, pk, is_project=True)
    assert vertex.project is not None
    try:
        inside.withdraw_lead(
            organisation=organisation, project=vertex.project, by=person(request), at=clock.now()
        )
    except DomainError as refusal:
        return _share(request, organisation, vertex, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Withdrawn. The link in its mail leads nowhere any more."))
    return redirect("organisation_share", organisation.slug, pk)


def _vertex(organisation: Organisation, pk: int, *, is_project: bool = False) -> Vertex:
    found = vertices_of(organisation).select_related("project", "parent")
    return get_object_or_404(found.filter(project__isnull=False) if is_project else found, pk=pk)


def _open_form(request: HttpRequest, page: SharesPage) -> OpenForm:
    permitted = vouched_for_by(page.organisation.kind, is_verified=page.organisation.verified_at is not None)
    typed = request.POST if request.method == "POST" else None
    return OpenForm(typed, accounts=page.accounts, permitted=permitted)


def _shares(request: HttpRequest, page: SharesPage, form: Form, status: int = 200) -> HttpResponse:
    context = {"page": page, "organisation": page.organisation, "form": form, "own_project": None}
    return render(request, "reservations/organisation_shares.html", context, status=status)


def _share(
    request: HttpRequest,
    organisation: Organisation,
    vertex: Vertex,
    *,
    shares_form: Form | None = None,
    end_form: Form | None = None,
    lead_form: Form | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    is_end_asked = end_form is not None and end_form.is_valid()
    ends = end_form.cleaned_data.get("ends") if end_form is not None and is_end_asked else None
    project, at = vertex.project, clock.now()
    slots = live_slots(project=project, at=at) if project and ends else ()
    row = next(row for row in shares_page(organisation=organisation, at=at).rows if row.pk == vertex.pk)
    led = leading(project=project, row=row, organisation=organisation, at=at) if project else None
    context: dict[str, Any] = {
        "organisation": organisation,
        "own_project": None,
        "vertex": vertex,
        "is_own_account": vertex.organisation_id == organisation.pk,
        "row": row,
        "problem": problem,
        "leading": led,
        "lead_form": lead_form or LeadForm(initial={"email": led.email if led else ""}),
        "shares_form": shares_form or SharesForm(initial={"shares": vertex.shares}),
        "end_form": end_form or EndForm(initial={"ends": project.expires_at if project else None}),
        "is_end_asked": is_end_asked,
        "ends": ends,
        "by_end": cancelled_by_end(slots, ends) if ends else (),
    }
    return render(request, "reservations/organisation_share.html", context, status=status)
