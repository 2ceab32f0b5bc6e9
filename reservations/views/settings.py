"""What a lead says about a project, and closing it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import PROJECT_LEAD, person
from accounts.models import Project
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations import wording
from reservations.forms.standing import DescriptionForm
from reservations.selectors.consequences import cancelled_by_suspension, live_slots
from reservations.services import projects, standing


@never_cache
@guard({"GET": PROJECT_LEAD, "POST": PROJECT_LEAD})
def settings(request: HttpRequest, project: Project) -> HttpResponse:
    initial = {"name": project.name, "summary": project.summary}
    form = DescriptionForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            projects.describe(project=project, by=person(request), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, _("Saved."))
            return redirect("project", project.slug)
    return _page(request, project, form=form, status=400 if form.is_bound else 200)


@guard({"POST": PROJECT_LEAD})
def close(request: HttpRequest, project: Project) -> HttpResponse:
    try:
        count = standing.close(project=project, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _page(request, project, problem=refusal.message, status=refusal.status)
    messages.success(request, _("The project is closed.") + " " + wording.called_off(count))
    return redirect("project", project.slug)


def _page(
    request: HttpRequest,
    project: Project,
    *,
    form: DescriptionForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    at = clock.now()
    slots = live_slots(project=project, at=at)
    context = {
        "project": project, "own_project": project, "problem": problem,
        "form": form or DescriptionForm(initial={"name": project.name, "summary": project.summary}),
        "is_over": project.expires_at is not None and project.expires_at <= at,
        "cancelled": cancelled_by_suspension(slots),
    }  # fmt: skip
    return render(request, "reservations/settings.html", context, status=status)
