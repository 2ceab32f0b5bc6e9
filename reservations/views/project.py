"""A person's projects and the decisions taken for them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, person
from accounts.models import Project
from common import clock
from common.access import guard
from reservations.access import DECISION_MEMBER, PROJECT_READER
from reservations.models import Decision
from reservations.selectors.applications import application_rows, applications_of
from reservations.selectors.decision import decision_json, decision_page
from reservations.selectors.level_week import history_json
from reservations.selectors.project import project_history, project_page
from reservations.selectors.projects import projects_page

_LATEST_APPLICATIONS = 5


@never_cache
@guard(SIGNED_IN)
def projects(request: HttpRequest) -> HttpResponse:
    reader = person(request)
    context = {
        "projects": projects_page(user=reader, at=clock.now()),
        "applications": application_rows(applications_of(reader)[:_LATEST_APPLICATIONS]),
    }
    return render(request, "reservations/projects.html", context)


@never_cache
@guard(PROJECT_READER)
def project(request: HttpRequest, project: Project) -> HttpResponse:
    at = clock.now()
    page = project_page(
        project=project,
        at=at,
        beside=request.GET.get("beside", "").strip(),
        slot_part=_part(request, "slots"),
        decision_part=_part(request, "decisions"),
    )
    is_over = project.expires_at is not None and project.expires_at <= at
    context = {
        "page": page, "own_project": page.project, "is_over": is_over,
        "may_book": not is_over and project.suspended_at is None,
    }  # fmt: skip
    return render(request, "reservations/project.html", context)


def _part(request: HttpRequest, name: str) -> int:
    asked = request.GET.get(name, "")
    return int(asked) if asked.isdecimal() and len(asked) < 5 else 1


@never_cache
@guard(PROJECT_READER)
def project_level(request: HttpRequest, project: Project) -> JsonResponse:
    """The figures of the page's chart, and the chart."""
    history = project_history(project=project, at=clock.now())
    if history is None:
        raise Http404
    return JsonResponse(history_json(project=project, history=history))


@never_cache
@guard(DECISION_MEMBER)
def decision(request: HttpRequest, decision: Decision) -> HttpResponse:
    page = decision_page(decision=decision)
    return render(request, "reservations/decision.html", {"page": page, "own_project": page.project})


@never_cache
@guard(DECISION_MEMBER)
def decision_twin(request: HttpRequest, decision: Decision) -> JsonResponse:
    return JsonResponse(decision_json(decision=decision))
