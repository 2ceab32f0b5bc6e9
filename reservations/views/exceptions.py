"""Exceptions to the policy: the page that everybody may read with its twins, and what stewards do there."""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from accounts.models import Project
from common import clock
from common.access import ANYONE, guard
from common.errors import DomainError
from pricing.selectors import cap_pages
from reservations.forms.exceptions import ExceptionEndForm, ExceptionForm
from reservations.selectors import exceptions as selectors, open_data
from reservations.services import exceptions as services


@guard(ANYONE)
def exceptions(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    context = {"page": selectors.exceptions_page(at=at), "prices": cap_pages.exceptions_page(at=at)}
    return render(request, "reservations/exceptions.html", context)


@guard(ANYONE)
def exceptions_json(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    return _open(JsonResponse(open_data.exceptions_json(selectors.rows(selectors.every(), at), at=at)))


@guard(ANYONE)
def exceptions_csv(request: HttpRequest) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows(open_data.exceptions_csv(selectors.rows(selectors.every(), clock.now())))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="exceptions.csv"'
    return _open(response)


@never_cache
@guard(STEWARD)
def steward_exceptions(request: HttpRequest) -> HttpResponse:
    """Those that are not over, and with `?q=` the projects that one could be granted to."""
    asked = request.GET.get("q", "").strip()[:100]
    context = {
        "page": selectors.exceptions_page(at=clock.now()),
        "asked": asked,
        "projects": selectors.projects_named(asked),
    }
    return render(request, "reservations/steward_exceptions.html", context)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_project_exceptions(request: HttpRequest, slug: str) -> HttpResponse:
    """A project's exceptions and the form for another; POST grants it."""
    at, project = clock.now(), get_object_or_404(Project, slug=slug)
    form, status = ExceptionForm(request.POST or None, at=at), 200
    if request.method == "POST":
        status = _granted(request, project, form, at)
        if status == 302:
            messages.success(request, _("Granted. Everybody can read it; the project’s members are told."))
            return redirect("steward_project_exceptions", project.slug)
    page = selectors.grant_page(project=project, reader=person(request), at=at)
    context = {"page": page, "form": form, "own_project": None}
    return render(request, "reservations/steward_project_exceptions.html", context, status=status)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_exception(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One exception as stewards read it; POST ends it."""
    at, exception = clock.now(), get_object_or_404(selectors.every(), uid=uid)
    form, problem, status = ExceptionEndForm(request.POST or None), "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                services.end_exception(exception=exception, by=person(request), at=at, **form.cleaned_data)
            except DomainError as refusal:
                problem, status = refusal.message, refusal.status
            else:
                messages.success(request, _("Ended. The project’s members are told."))
                return redirect("steward_project_exceptions", exception.project.slug)
    context = {
        "row": selectors.row_of(exception, at),
        "is_own": exception.project.memberships.filter(user=person(request)).exists(),
        "form": form,
        "problem": problem,
        "own_project": None,
    }
    return render(request, "reservations/steward_exception.html", context, status=status)


def _granted(request: HttpRequest, project: Project, form: ExceptionForm, at: datetime) -> int:
    """302 where it was granted; else what the refusal, which stands in the form, comes to."""
    if not form.is_valid():
        return 400
    try:
        services.grant_exception(project=project, by=person(request), at=at, **form.cleaned_data)
    except DomainError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return refusal.status
    return 302


def _open(response: HttpResponse) -> HttpResponse:
    """Open data: anybody's page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
