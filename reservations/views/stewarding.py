"""A project as stewards hold it: suspending, letting go on, its end, its class, its place."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from accounts.models import Project
from accounts.services import classes
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations import wording
from reservations.forms.standing import ClassForm, EndForm, PlaceForm, PlaceWhyForm, SuspendForm
from reservations.models import Vertex
from reservations.selectors.applications import account_choices
from reservations.selectors.stewarding import StewardProjectPage, place_asked, steward_project_page
from reservations.services import moving, standing


@never_cache
@guard(STEWARD)
def steward_project(request: HttpRequest, slug: str) -> HttpResponse:
    """With `?ends=` it tells which slots an end would cancel; with `?account=`, what a place would mean.

    The form for another place comes with `?place`: of a large tree it names every account.
    """
    end_form = EndForm(request.GET) if "ends" in request.GET else None
    project = _project(slug)
    return _page(request, project, end_form=end_form, place_form=_place_form(request, project))


@guard({"POST": STEWARD_ACTS})
def steward_place(request: HttpRequest, slug: str) -> HttpResponse:
    project, form = _project(slug), PlaceWhyForm(request.POST, accounts=_accounts())
    if not form.is_valid():
        return _page(request, project, place_form=form, status=400)
    asked = form.cleaned_data
    try:
        moving.move(
            project=project, account=get_object_or_404(Vertex, pk=asked["account"]),
            shares_among_siblings=asked["shares"], reason=asked["reason"], by=person(request),
            at=clock.now(),
        )  # fmt: skip
    except DomainError as refusal:
        return _page(request, project, place_form=form, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Saved. The project’s leads are told."))
    return redirect("steward_project", project.slug)


@guard({"POST": STEWARD_ACTS})
def steward_suspend(request: HttpRequest, slug: str) -> HttpResponse:
    project, form = _project(slug), SuspendForm(request.POST)
    if form.is_valid():
        try:
            count = standing.suspend(project=project, by=person(request), at=clock.now(), **form.cleaned_data)
        except DomainError as refusal:
            return _page(request, project, problem=refusal.message, status=refusal.status)
        messages.success(request, _("Suspended.") + " " + wording.called_off(count))
        return redirect("steward_project", project.slug)
    return _page(request, project, suspend_form=form, status=400)


@guard({"POST": STEWARD_ACTS})
def steward_resume(request: HttpRequest, slug: str) -> HttpResponse:
    project = _project(slug)
    try:
        standing.resume(project=project, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _page(request, project, problem=refusal.message, status=refusal.status)
    messages.success(request, _("The project may book again."))
    return redirect("steward_project", project.slug)


@guard({"POST": STEWARD_ACTS})
def steward_end(request: HttpRequest, slug: str) -> HttpResponse:
    project, form = _project(slug), EndForm(request.POST)
    if form.is_valid():
        try:
            count = standing.set_expiry(
                project=project, expires_at=form.cleaned_data["ends"], by=person(request), at=clock.now()
            )
        except DomainError as refusal:
            form.add_error("ends", refusal.message)
            return _page(request, project, end_form=form, status=refusal.status)
        messages.success(request, _("Saved.") + " " + wording.called_off(count))
        return redirect("steward_project", project.slug)
    return _page(request, project, end_form=form, status=400)


@guard({"POST": STEWARD_ACTS})
def steward_class(request: HttpRequest, slug: str) -> HttpResponse:
    project, form = _project(slug), ClassForm(request.POST)
    if form.is_valid():
        try:
            classes.give_class(
                project=project, project_class=form.cleaned_data["project_class"], by=person(request),
                reason=form.cleaned_data["reason"], expires_at=form.cleaned_data["class_expires_at"],
                at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            return _page(request, project, class_form=form, status=refusal.status)
        messages.success(request, _("Saved."))
        return redirect("steward_project", project.slug)
    return _page(request, project, class_form=form, status=400)


def _place_form(request: HttpRequest, project: Project) -> PlaceForm | None:
    if "account" in request.GET:
        return PlaceForm(request.GET, accounts=_accounts())
    if "place" not in request.GET:
        return None
    present = Vertex.objects.filter(project=project).values("shares", account=F("parent")).first()
    return PlaceForm(accounts=_accounts(), initial=present or {})


def _accounts() -> list[tuple[int, str]]:
    return [(choice.vertex.pk, choice.path) for choice in account_choices()]


def _project(slug: str) -> Project:
    return get_object_or_404(Project.objects.select_related("organisation"), slug=slug)


def _page(
    request: HttpRequest,
    project: Project,
    *,
    suspend_form: Form | None = None,
    end_form: Form | None = None,
    class_form: Form | None = None,
    place_form: PlaceForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    asked = end_form.cleaned_data.get("ends") if end_form is not None and end_form.is_valid() else None
    page = steward_project_page(project=project, ends=asked, at=clock.now())
    context: dict[str, Any] = _place(project, page, place_form) | {
        "page": page,
        "own_project": None,  # a steward's work is not about the project they belong to
        "problem": problem,
        "suspend_form": suspend_form or SuspendForm(),
        "end_form": end_form or EndForm(initial={"ends": project.expires_at}),
        "is_end_asked": end_form is not None and end_form.is_valid(),
        "class_form": class_form
        or ClassForm(
            initial={"project_class": project.project_class, "class_expires_at": project.class_expires_at}
        ),
    }
    return render(request, "reservations/steward_project.html", context, status=status)


def _place(project: Project, page: StewardProjectPage, form: PlaceForm | None) -> dict[str, Any]:
    """The form, where it is asked for; once filled in, what it would mean and the form that asks why."""
    if not page.can_move or form is None:
        return {}
    is_named = form.is_bound and not {"account", "shares"} & set(form.errors)
    if not is_named:
        return {"place_form": form}
    asked = form.cleaned_data
    confirm = form if isinstance(form, PlaceWhyForm) else PlaceWhyForm(accounts=[], initial=asked)
    return {
        "place_form": confirm,
        "place_asked": place_asked(project=project, account_pk=asked["account"], shares=asked["shares"]),
        "place_account": form.account_name,
    }
