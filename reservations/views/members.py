"""Who belongs to a project: inviting, roles and caps, handing over, removing, leaving."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import PROJECT_LEAD, PROJECT_MEMBER, agreed, person
from accounts.forms.members import InviteForm
from accounts.models import Invitation, Project, ProjectMembership
from accounts.services import invitations, members as service
from common import clock
from common.access import guard
from common.acting import press, submit
from reservations.forms.members import MemberForm
from reservations.selectors.members import end_of_membership, leave_page, project_members_page


@never_cache
@guard(PROJECT_MEMBER)
def members(request: HttpRequest, project: Project) -> HttpResponse:
    return _members(request, project)


@guard({"POST": agreed(PROJECT_LEAD)})
def invite(request: HttpRequest, project: Project) -> HttpResponse:
    form, by = _invite_form(request.POST), person(request)
    refused = submit(form, lambda asked: invitations.invite(to=project, **asked, by=by, at=clock.now()))
    if refused:
        return _members(request, project, form=form, status=refused)
    messages.success(request, _("An invitation goes to %(email)s.") % form.cleaned_data)
    return redirect("members", project.slug)


@guard({"POST": PROJECT_LEAD})
def invitation_resend(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation, project=project, uid=uid)
    return press(
        request, lambda: invitations.resend(invitation=found, by=person(request), at=clock.now()),
        said=_("Sent again. The link in the older mail no longer works."),
        then=redirect("members", project.slug), again=partial(_members, request, project),
    )  # fmt: skip


@guard({"POST": PROJECT_LEAD})
def invitation_revoke(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation, project=project, uid=uid)
    return press(
        request, lambda: invitations.revoke(invitation=found, by=person(request), at=clock.now()),
        said=_("Withdrawn. The link in the mail no longer works."),
        then=redirect("members", project.slug), again=partial(_members, request, project),
    )  # fmt: skip


@never_cache
@guard({"GET": PROJECT_LEAD, "POST": PROJECT_LEAD})
def member(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    """Role and cap; and what handing over and removing would mean, before they are done."""
    membership, by = _membership(project, uid), person(request)
    if request.method != "POST":
        return _member(request, project, membership)
    form = MemberForm(request.POST)
    change = partial(service.set_role_and_cap, project=project, member=membership.user, by=by, at=clock.now())
    refused = submit(form, lambda asked: change(**asked))
    if refused:
        return _member(request, project, membership, form=form, status=refused)
    messages.success(request, _("Saved."))
    return redirect("members", project.slug)


@guard({"POST": PROJECT_LEAD})
def hand_over(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    membership, by = _membership(project, uid), person(request)
    return press(
        request, lambda: service.hand_over(of=project, to=membership.user, by=by, at=clock.now()),
        said=_("%(person)s leads the project now.") % {"person": membership.user},
        then=redirect("members", project.slug), again=partial(_member, request, project, membership),
    )  # fmt: skip


@guard({"POST": PROJECT_LEAD})
def member_remove(request: HttpRequest, project: Project, uid: UUID) -> HttpResponse:
    membership, by = _membership(project, uid), person(request)
    return press(
        request, lambda: service.remove(of=project, member=membership.user, by=by, at=clock.now()),
        said=_("%(person)s no longer belongs to it.") % {"person": membership.user},
        then=redirect("members", project.slug), again=partial(_member, request, project, membership),
    )  # fmt: skip


@never_cache
@guard({"GET": PROJECT_MEMBER, "POST": PROJECT_MEMBER})
def leave(request: HttpRequest, project: Project) -> HttpResponse:
    reader = person(request)
    if request.method != "POST":
        return _leave(request, project)
    return press(
        request, lambda: service.leave(of=project, member=reader, at=clock.now()),
        said=_("You left %(project)s.") % {"project": project},
        then=redirect("projects"), again=partial(_leave, request, project),
    )  # fmt: skip


def _membership(project: Project, uid: UUID) -> ProjectMembership:
    memberships = ProjectMembership.objects.select_related("user")
    return get_object_or_404(memberships, project=project, user__uid=uid)


def _invite_form(typed: QueryDict | None = None) -> InviteForm:
    means = _("Leads invite others, set roles and caps, and may cancel any slot.")
    return InviteForm(typed, role_means=means)


def _members(
    request: HttpRequest,
    project: Project,
    *,
    form: InviteForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": project_members_page(project=project, reader=person(request), at=clock.now()),
        "own_project": project, "form": form or _invite_form(), "problem": problem,
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


def _leave(request: HttpRequest, project: Project, *, problem: str = "", status: int = 200) -> HttpResponse:
    page = leave_page(project=project, reader=person(request), at=clock.now())
    context = {"project": project, "own_project": project, "problem": problem, "page": page}
    return render(request, "reservations/leave.html", context, status=status)
