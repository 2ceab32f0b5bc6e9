"""Who belongs to an organisation: inviting, roles, handing over, removing, leaving."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ORGANISATION_LEAD, ORGANISATION_MEMBER, agreed, person
from accounts.forms.members import InviteForm, RoleForm
from accounts.models import Invitation, Organisation, OrganisationMembership
from accounts.selectors.members import members_page
from accounts.services import invitations, members as service
from common import clock
from common.access import guard
from common.acting import press, submit

HERE = "organisation_members"


@never_cache
@guard(ORGANISATION_MEMBER)
def organisation_members(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    return _members(request, organisation)


@guard({"POST": agreed(ORGANISATION_LEAD)})
def organisation_invite(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    form, by = _invite_form(request.POST), person(request)
    refused = submit(form, lambda asked: invitations.invite(to=organisation, **asked, by=by, at=clock.now()))
    if refused:
        return _members(request, organisation, form=form, status=refused)
    messages.success(request, _("An invitation goes to %(email)s.") % form.cleaned_data)
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_LEAD})
def organisation_invitation_resend(
    request: HttpRequest, organisation: Organisation, uid: UUID
) -> HttpResponse:
    found = get_object_or_404(Invitation, organisation=organisation, uid=uid)
    return press(
        request, lambda: invitations.resend(invitation=found, by=person(request), at=clock.now()),
        said=_("Sent again. The link in the older mail no longer works."),
        then=redirect(HERE, organisation.slug), again=partial(_members, request, organisation),
    )  # fmt: skip


@guard({"POST": ORGANISATION_LEAD})
def organisation_invitation_revoke(
    request: HttpRequest, organisation: Organisation, uid: UUID
) -> HttpResponse:
    found = get_object_or_404(Invitation, organisation=organisation, uid=uid)
    return press(
        request, lambda: invitations.revoke(invitation=found, by=person(request), at=clock.now()),
        said=_("Withdrawn. The link in the mail no longer works."),
        then=redirect(HERE, organisation.slug), again=partial(_members, request, organisation),
    )  # fmt: skip


@never_cache
@guard({"GET": ORGANISATION_LEAD, "POST": ORGANISATION_LEAD})
def organisation_member(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    """The role; and what handing over and removing would mean, before they are done."""
    membership, by = _membership(organisation, uid), person(request)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": membership.role})
    if not form.is_bound:
        return _member(request, membership, form)
    change = partial(service.change_role, of=organisation, member=membership.user, by=by, at=clock.now())
    refused = submit(form, lambda asked: change(**asked))
    if refused:
        return _member(request, membership, form, status=refused)
    messages.success(request, _("Saved."))
    return redirect(HERE, organisation.slug)


@guard({"POST": ORGANISATION_LEAD})
def organisation_hand_over(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    membership, by = _membership(organisation, uid), person(request)
    return press(
        request, lambda: service.hand_over(of=organisation, to=membership.user, by=by, at=clock.now()),
        said=_("%(person)s leads it now.") % {"person": membership.user},
        then=redirect(HERE, organisation.slug), again=partial(_member, request, membership),
    )  # fmt: skip


@guard({"POST": ORGANISATION_LEAD})
def organisation_member_remove(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    membership, by = _membership(organisation, uid), person(request)
    return press(
        request, lambda: service.remove(of=organisation, member=membership.user, by=by, at=clock.now()),
        said=_("%(person)s no longer belongs to it.") % {"person": membership.user},
        then=redirect(HERE, organisation.slug), again=partial(_member, request, membership),
    )  # fmt: skip


@guard({"POST": ORGANISATION_MEMBER})
def organisation_leave(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    return press(
        request, lambda: service.leave(of=organisation, member=person(request), at=clock.now()),
        said=_("You left %(name)s.") % {"name": organisation},
        then=redirect("organisations"), again=partial(_members, request, organisation),
    )  # fmt: skip


def _membership(organisation: Organisation, uid: UUID) -> OrganisationMembership:
    memberships = OrganisationMembership.objects.select_related("user", "organisation")
    return get_object_or_404(memberships, organisation=organisation, user__uid=uid)


def _invite_form(typed: QueryDict | None = None) -> InviteForm:
    return InviteForm(typed, role_means=_("Leads invite others, set roles, and act for the organisation."))


def _members(
    request: HttpRequest,
    organisation: Organisation,
    *,
    form: InviteForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": members_page(of=organisation, reader=person(request), at=clock.now()),
        "form": form or _invite_form(),
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
