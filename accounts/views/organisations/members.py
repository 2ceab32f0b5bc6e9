"""Who belongs to an organisation: inviting, roles, handing over, removing, leaving."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ORGANISATION_LEAD, ORGANISATION_MEMBER, agreed, person
from accounts.forms.members import InviteForm, RoleForm
from accounts.models import Invitation, Organisation, OrganisationMembership
from accounts.selectors.organisations import members_page
from accounts.services import invitations, members as service
from common import clock
from common.access import guard
from common.errors import DomainError

HERE = "organisation_members"


@never_cache
@guard(ORGANISATION_MEMBER)
def organisation_members(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    return _members(request, organisation)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def organisation_invite(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _members(request, organisation, form=form, status=400)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        invitations.invite(to=organisation, email=email, role=role, by=person(request), at=clock.now())
    except DomainError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return _members(request, organisation, form=form, status=refusal.status)
    messages.success(request, _("An invitation goes to %(email)s.") % {"email": email})
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_LEAD})
def organisation_invitation_resend(
    request: HttpRequest, organisation: Organisation, uid: UUID
) -> HttpResponse:
    found = get_object_or_404(Invitation, organisation=organisation, uid=uid)
    try:
        invitations.resend(invitation=found, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _members(request, organisation, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Sent again. The link in the older mail no longer works."))
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_LEAD})
def organisation_invitation_revoke(
    request: HttpRequest, organisation: Organisation, uid: UUID
) -> HttpResponse:
    found = get_object_or_404(Invitation, organisation=organisation, uid=uid)
    try:
        invitations.revoke(invitation=found, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _members(request, organisation, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Withdrawn. The link in the mail no longer works."))
    return redirect(HERE, organisation.slug)


@never_cache
@guard({"GET": ORGANISATION_LEAD, "POST": ORGANISATION_LEAD})
def organisation_member(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    """The role; and what handing over and removing would mean, before they are done."""
    membership = _membership(organisation, uid)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": membership.role})
    if not form.is_bound:
        return _member(request, membership, form)
    if not form.is_valid():
        return _member(request, membership, form, status=400)
    try:
        service.change_role(
            of=organisation,
            member=membership.user,
            role=form.cleaned_data["role"],
            by=person(request),
            at=clock.now(),
        )
    except DomainError as refusal:
        return _member(request, membership, form, problem=refusal.message, status=refusal.status)
    messages.success(request, _("Saved."))
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_LEAD})
def organisation_hand_over(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    membership = _membership(organisation, uid)
    try:
        service.hand_over(of=organisation, to=membership.user, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _member(request, membership, problem=refusal.message, status=refusal.status)
    messages.success(request, _("%(person)s leads it now.") % {"person": membership.user})
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_LEAD})
def organisation_member_remove(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    membership = _membership(organisation, uid)
    try:
        service.remove(of=organisation, member=membership.user, by=person(request), at=clock.now())
    except DomainError as refusal:
        return _member(request, membership, problem=refusal.message, status=refusal.status)
    messages.success(request, _("%(person)s no longer belongs to it.") % {"person": membership.user})
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_MEMBER})
def organisation_leave(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    try:
        service.leave(of=organisation, member=person(request), at=clock.now())
    except DomainError as refusal:
        return _members(request, organisation, problem=refusal.message, status=refusal.status)
    messages.success(request, _("You left %(name)s.") % {"name": organisation})
    return redirect("organisations")


def _membership(organisation: Organisation, uid: UUID) -> OrganisationMembership:
    memberships = OrganisationMembership.objects.select_related("user", "organisation")
    found = memberships.filter(organisation=organisation, user__uid=uid).first()
    if found is None:
        raise Http404
    return found


def _members(
    request: HttpRequest,
    organisation: Organisation,
    *,
    form: InviteForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    means = _("Leads invite others, set roles, and act for the organisation.")
    context = {
        "page": members_page(organisation=organisation, reader=person(request), at=clock.now()),
        "form": form or InviteForm(role_means=means),
        "problem": problem,
    }
    return render(request, "accounts/organisation_members.html", context, status=status)


def _member(
    request: HttpRequest,
    membership: OrganisationMembership,
    form: RoleForm | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "organisation": membership.organisation,
        "membership": membership,
        "is_reader": membership.user_id == person(request).pk,
        "form": form or RoleForm(initial={"role": membership.role}),
        "problem": problem,
    }
    return render(request, "accounts/organisation_member.html", context, status=status)
