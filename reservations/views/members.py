"""Who belongs to a project: inviting, roles and caps, handing over, removing, leaving."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import PROJECT_LEAD, PROJECT_MEMBER, agreed, person
from accounts.models import Invitation, Project, ProjectMembership
from accounts.services import invitations, members as service
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations.forms.members import InviteForm, MemberForm
from reservations.selectors.members import end_of_membership, leave_page, members_page


@never_cache
@guard(PROJECT_MEMBER)
def members(request: HttpRequest, project: Project) -> HttpResponse:
    return _members(request, project)


@guard({"POST": agreed(PROJECT_LEAD)})
def invite(request: HttpRequest, project: Project) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            invitations.invite(
                to=project, email=form.cleaned_data["email"], role=form.cleaned_data["role"],
                by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            return _members(request, project, form=form, status=refusal.status)
        messages.success(
            request, _("An invitation goes to %(email)s.") % {"email": form.cleaned_data["email"]}
        )
        return redirect("members", project.slug)
    return _members(request, project, form=form, status=400)


@guard({"POST": PROJECT_LEAD})
def invitation_resend(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation, project=project, uid=uid)
    try:
        invitations.resend(invitation=found, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _members(request, project, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Sent again. The link in the older mail no longer works."))
    return redirect("members", project.slug)


@guard({"POST": PROJECT_LEAD})
def invitation_revoke(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation, project=project, uid=uid)
    try:
        invitations.revoke(invitation=found, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _members(request, project, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Withdrawn. The link in the mail no longer works."))
    return redirect("members", project.slug)


@never_cache
@guard({"GET": PROJECT_LEAD, "POST": PROJECT_LEAD})
def member(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    """Role and cap; and what handing over and removing would mean, before they are done."""
    membership = _membership(project, uid)
    form = MemberForm(
        request.POST if request.method == "POST" else None,
        initial={"role": membership.role, "monthly_cap": membership.monthly_cap},
    )
    if request.method == "POST" and form.is_valid():
        by, role = person(request), form.cleaned_data["role"]
        try:
            service.set_role_and_cap(
                project=project, member=membership.user, role=role,
                monthly_cap=form.cleaned_data["monthly_cap"], by=by, at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            return _member(request, project, membership, form=form, status=refusal.status)
        messages.success(request, _("Saved."))
        return redirect("members", project.slug)
    return _member(request, project, membership, form=form, status=400 if form.is_bound else 200)


@guard({"POST": PROJECT_LEAD})
def hand_over(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    membership = _membership(project, uid)
    try:
        service.hand_over(of=project, to=membership.user, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _member(request, project, membership, problem=refusal.message, status=refusal.status)
    messages.success(request, _("%(person)s leads the project now.") % {"person": membership.user})
    return redirect("members", project.slug)


@guard({"POST": PROJECT_LEAD})
def member_remove(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    membership = _membership(project, uid)
    try:
        service.remove(of=project, member=membership.user, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _member(request, project, membership, problem=refusal.message, status=refusal.status)
    messages.success(request, _("%(person)s no longer belongs to it.") % {"person": membership.user})
    return redirect("members", project.slug)


@never_cache
@guard({"GET": PROJECT_MEMBER, "POST": PROJECT_MEMBER})
def leave(request: HttpRequest, project: Project) -> HttpResponse:
    reader, at, problem, status = person(request), clock.now(), "", 200
    if request.method == "POST":
        try:
            service.leave(of=project, member=reader, at=at)
        except DomainError as refusal:
            problem, status = refusal.message, refusal.status
        else:
            messages.success(request, _("You left %(project)s.") % {"project": project})
            return redirect("projects")
    context = {
        "project": project, "own_project": project, "problem": problem,
        "page": leave_page(project=project, reader=reader, at=at),
    }  # fmt: skip
    return render(request, "reservations/leave.html", context, status=status)


def _membership(project: Project, uid: UUID) -> ProjectMembership:
    found = ProjectMembership.objects.select_related("user").filter(project=project, user__uid=uid).first()
    if found is None:
        raise Http404
    return found


def _members(
    request: HttpRequest,
    project: Project,
    *,
    form: InviteForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": members_page(project=project, reader=person(request), at=clock.now()),
        "own_project": project, "form": form or InviteForm(), "problem": problem,
    }  # fmt: skip
    return render(request, "reservations/members.html", context, status=status)


def _member(
    request: HttpRequest,
    project: Project,
    membership: ProjectMembership,
    *,
    form: MemberForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    initial = {"role": membership.role, "monthly_cap": membership.monthly_cap}
    context = {
        "project": project, "own_project": project, "membership": membership, "problem": problem,
        "form": form or MemberForm(initial=initial),
        "is_reader": membership.user_id == person(request).pk,
        "end": end_of_membership(project=project, member=membership.user, at=clock.now()),
    }  # fmt: skip
    return render(request, "reservations/member.html", context, status=status)
