"""The page that an invitation's link leads to: what it is for, and the two answers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import INVITEE, person
from accounts.models import Invitation
from accounts.selectors.invitations import invitation_page
from accounts.services import invitations
from common import clock
from common.access import guard
from common.errors import DomainError


@never_cache
@guard({"GET": INVITEE, "POST": INVITEE})
def invitation(request: HttpRequest, invitation: Invitation | None, secret: str) -> HttpResponse:
    """Only POST accepts or declines: a program that follows the links of a mail changes nothing."""
    if invitation is None:
        return render(request, "accounts/invitation_unknown.html", status=404)
    at, problem, status = clock.now(), "", 200
    if request.method == "POST":
        try:
            return _answer(request, secret)
        except DomainError as refusal:  # used, expired or withdrawn since the page was read
            problem, status = refusal.message, refusal.status
            invitation.refresh_from_db()
    page = invitation_page(invitation=invitation, at=at)
    return render(request, "accounts/invitation.html", {"page": page, "problem": problem}, status=status)


def _answer(request: HttpRequest, secret: str) -> HttpResponse:
    user, at = person(request), clock.now()
    if request.POST.get("answer") == "decline":
        declined = invitations.decline(secret=secret, user=user, at=at)
        messages.success(
            request,
            _("You declined the invitation to %(name)s.")
            % {"name": declined.project or declined.organisation},
        )
        return redirect("me")
    accepted = invitations.accept(secret=secret, user=user, at=at)
    group = accepted.project or accepted.organisation
    assert group is not None
    messages.success(request, _("You belong to %(name)s now.") % {"name": group})
    return redirect(group)
