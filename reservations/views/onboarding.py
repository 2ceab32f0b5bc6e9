"""The first pages of who is signed in: welcome, where one begins, and what one can do now."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, agreed, person
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations.forms.onboarding import WelcomeForm
from reservations.selectors.onboarding import WelcomePage, suggested_name, welcome_page
from reservations.selectors.start import start_page
from reservations.services import onboarding


@never_cache
@guard(agreed(SIGNED_IN))
def start(request: HttpRequest) -> HttpResponse:
    """What one can do now. Who has not accepted the house rules yet is led to them first."""
    page = start_page(user=person(request), at=clock.now())
    request.unread_notices = page.unread  # type: ignore[attr-defined]  # the masthead shows it, too
    return render(request, "reservations/start.html", {"page": page})


@never_cache
@guard({"GET": SIGNED_IN, "POST": SIGNED_IN})
def welcome(request: HttpRequest) -> HttpResponse:
    """House rules, a name and a personal project: once, and again when the rules are new."""
    user, at = person(request), clock.now()
    page = welcome_page(user=user, language=get_language() or "en", at=at)
    if page.is_settled:  # a form sent twice comes here, too
        return redirect(_next(request))
    if request.method != "POST":
        return _page(request, page, WelcomeForm(initial=_initial(request, page), page=page))
    form = WelcomeForm(request.POST, page=page)
    if not form.is_valid():
        return _page(request, page, form, status=400)
    try:
        project = onboarding.welcome(
            user=user,
            name=form.cleaned_data["name"],
            rules_version=form.cleaned_data["rules_version"],
            project_name=form.cleaned_data.get("project_name", ""),
            at=at,
        )
    except DomainError as refusal:
        # About rules that are no longer in force: those that are stand on the page now, to be accepted.
        field = "accept" if refusal.field == "rules_version" else refusal.field
        form.add_error(field if field in form.fields else None, refusal.message)
        return _page(request, page, form, status=refusal.status)
    if page.project is None:
        messages.success(request, _("Your project “%(project)s” is there.") % {"project": project})
    return redirect(_next(request))


def _initial(request: HttpRequest, page: WelcomePage) -> dict[str, object]:
    user = person(request)
    return {
        "name": user.name,
        "project_name": suggested_name(user, clock.now()),
        "rules_version": page.rules.version,
    }


def _page(request: HttpRequest, page: WelcomePage, form: WelcomeForm, *, status: int = 200) -> HttpResponse:
    if form.is_bound and form.data.get("rules_version") != (in_force := str(page.rules.version)):
        sent = request.POST.copy()
        sent["rules_version"] = in_force
        sent.pop("accept", None)
        form.data = sent
    context = {"page": page, "form": form, "next": _next(request)}
    return render(request, "reservations/welcome.html", context, status=status)


def _next(request: HttpRequest) -> str:
    """Where somebody was on their way to, on this site; else what they can do now."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and is_ours else "/start/"
