"""How one signs in, and where one is signed in."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import SESSION_HOLDER, SIGNED_IN, person
from accounts.selectors import security as selectors
from accounts.services import sessions
from common.access import guard


@never_cache
@guard(SIGNED_IN)
def security(request: HttpRequest) -> HttpResponse:
    shown = selectors.security(person(request), request.session.session_key)
    return render(request, "accounts/security.html", {"security": shown})


@guard(SIGNED_IN)
def to_security(request: HttpRequest) -> HttpResponseRedirect:
    """Where allauth leads after a change, there is one page of ours for all of it."""
    return redirect("security")


@guard({"POST": SESSION_HOLDER})
def session_end(request: HttpRequest, session: UserSession) -> HttpResponseRedirect:
    sessions.end_session(user=person(request), session_id=session.pk)
    messages.success(request, _("That session has ended."))
    return redirect("security")


@guard({"POST": SIGNED_IN})
def sessions_end(request: HttpRequest) -> HttpResponseRedirect:
    """All but this one."""
    sessions.end_other_sessions(user=person(request), session_key=request.session.session_key)
    messages.success(request, _("All other sessions have ended."))
    return redirect("security")
