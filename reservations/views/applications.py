"""Applying, one's own applications, and the stewards' queue of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, STEWARD, STEWARD_ACTS, agreed, person
from accounts.models import Project
from common import clock
from common.access import NotAllowed, guard
from common.errors import DomainError
from common.evidence.serving import download
from common.evidence.uploads import refused_size
from reservations.access import APPLICANT, APPLICATION_READER
from reservations.forms.applications import ApplyForm, DeclineForm, GrantForm
from reservations.models import Application
from reservations.selectors.applications import (
    AccountChoice,
    account_choices,
    applicant_of,
    application_row,
    applications,
    is_own,
    place_of,
    queue,
)
from reservations.services import applications as service


@never_cache
@guard({"GET": agreed(SIGNED_IN), "POST": agreed(SIGNED_IN)})
def apply(request: HttpRequest) -> HttpResponse:
    """For a new project, or with `?project=` for one that the reader leads."""
    applicant = person(request)
    project = _project_to_ask_for(request)
    if request.method != "POST":
        return _apply_page(request, ApplyForm(applicant=applicant, project=project), project)
    form = ApplyForm(
        request.POST, request.FILES, applicant=applicant, project=project, refused=refused_size(request)
    )
    if not form.is_valid():
        return _apply_page(request, form, project, status=400)
    try:
        application = service.apply(applicant=applicant, wish=form.wish, project=project, at=clock.now())
    except NotAllowed:
        raise
    except DomainError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _apply_page(request, form, project, status=refusal.status)
    messages.success(request, _("Sent. A steward answers; you are told by mail."))
    return redirect(application)


@never_cache
@guard(APPLICANT)
def application(request: HttpRequest, application: Application) -> HttpResponse:
    return _application_page(request, application)


@guard({"POST": APPLICANT})
def application_withdraw(request: HttpRequest, application: Application) -> HttpResponse:
    try:
        service.withdraw(application=application, by=person(request), at=clock.now())
    except DomainError as refusal:
        application.refresh_from_db()
        return _application_page(request, application, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Withdrawn."))
    return redirect(application)


@guard(APPLICATION_READER)
def application_evidence(request: HttpRequest, application: Application) -> HttpResponseBase:
    return download(request, path=application.evidence_file.name or "", sha256=application.evidence_digest)


@never_cache
@guard(STEWARD)
def steward_applications(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/steward_applications.html", {"queue": queue()})


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_application(request: HttpRequest, uid: UUID) -> HttpResponse:
    """POST grants it, as the form says."""
    application = get_object_or_404(applications(), uid=uid)
    if request.method != "POST":
        return _steward_page(request, application)
    accounts = account_choices()
    form = GrantForm(request.POST, accounts=accounts)
    if form.is_valid():
        try:
            service.decide(
                application=application, granting=form.granting, reply=form.cleaned_data["reply"],
                by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            application = applications().get(pk=application.pk)  # another steward may have answered
            return _steward_page(
                request, application, accounts=accounts, grant_form=form, status=refusal.status
            )
        messages.success(request, _("Granted. The applicant is told."))
        return redirect("steward_applications")
    return _steward_page(request, application, accounts=accounts, grant_form=form, status=400)


@guard({"POST": STEWARD_ACTS})
def steward_application_decline(request: HttpRequest, uid: UUID) -> HttpResponse:
    application = get_object_or_404(applications(), uid=uid)
    form = DeclineForm(request.POST)
    if form.is_valid():
        try:
            service.decide(
                application=application, granting=None, reply=form.cleaned_data["reply"],
                by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            application = applications().get(pk=application.pk)
            return _steward_page(request, application, decline_form=form, status=refusal.status)
        messages.success(request, _("Declined. The applicant is told."))
        return redirect("steward_applications")
    return _steward_page(request, application, decline_form=form, status=400)


def _project_to_ask_for(request: HttpRequest) -> Project | None:
    slug = request.GET.get("project", "")
    if not slug:
        return None
    memberships = person(request).project_memberships.select_related("project")
    found = memberships.filter(project__slug=slug, role="lead").first()
    if found is None:
        raise Http404
    return found.project


def _apply_page(
    request: HttpRequest, form: ApplyForm, project: Project | None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "project": project, "own_project": project, "place": place_of(project)}
    return render(request, "reservations/apply.html", context, status=status)


def _application_page(
    request: HttpRequest, application: Application, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {"application": application, "row": application_row(application), "problem": problem}
    return render(request, "reservations/application.html", context, status=status)


def _steward_page(
    request: HttpRequest,
    application: Application,
    *,
    accounts: Sequence[AccountChoice] | None = None,
    grant_form: Form | None = None,
    decline_form: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    accounts = account_choices() if accounts is None else accounts
    is_waiting = application.state == Application.State.SUBMITTED
    place = place_of(application.project) if is_waiting else None
    # Who asks for one thing keeps the others: nobody is moved by a choice that was not made.
    initial = {
        "granted_class": application.wanted_class,
        "account": str(place.account_pk) if place else "",
        "shares": application.wanted_shares or (place and place.shares) or 1,
    }
    context: dict[str, Any] = {
        "application": application,
        "row": application_row(application),
        "applicant": applicant_of(application),
        "is_own": is_own(application=application, steward=person(request)),
        "is_waiting": is_waiting,
        "place": place,
        "accounts": accounts,
        "grant_form": grant_form or GrantForm(accounts=accounts, initial=initial),
        "decline_form": decline_form or DeclineForm(),
    }
    return render(request, "reservations/steward_application.html", context, status=status)
