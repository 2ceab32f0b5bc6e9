"""A person's projects and the decisions taken for them."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import Project
from common import clock
from reservations.models import Decision
from reservations.selectors.decision import decision_json, decision_page
from reservations.selectors.project import project_page
from reservations.selectors.projects import projects_page
from reservations.views.people import person


@login_required
@require_GET
@never_cache
def projects(request: HttpRequest) -> HttpResponse:
    lines = projects_page(user=person(request), at=clock.now())
    return render(request, "reservations/projects.html", {"projects": lines})


@login_required
@require_GET
@never_cache
def project(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        page = project_page(slug=slug, user=person(request), at=clock.now())
    except Project.DoesNotExist as exc:
        raise Http404 from exc
    return render(request, "reservations/project.html", {"page": page, "own_project": page.project})


@login_required
@require_GET
@never_cache
def decision(request: HttpRequest, uid: UUID) -> HttpResponse:
    try:
        page = decision_page(uid=uid, user=person(request))
    except Decision.DoesNotExist as exc:
        raise Http404 from exc
    return render(request, "reservations/decision.html", {"page": page, "own_project": page.project})


@login_required
@require_GET
@never_cache
def decision_twin(request: HttpRequest, uid: UUID) -> JsonResponse:
    try:
        return JsonResponse(decision_json(uid=uid, user=person(request)))
    except Decision.DoesNotExist as exc:
        raise Http404 from exc
