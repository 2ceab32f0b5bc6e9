"""A person's own page, and the language switch."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.i18n import set_language as set_language_cookie

from accounts import selectors, services
from accounts.access import ANYONE, SIGNED_IN, person
from accounts.forms import PersonForm, languages
from common.access import guard


@never_cache
@guard({"GET": SIGNED_IN, "POST": SIGNED_IN})
def me(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone, and what one belongs to."""
    reader = person(request)
    form = PersonForm(request.POST if request.method == "POST" else None, instance=reader)
    if request.method == "POST" and form.is_valid():
        user = services.change_person(
            user=reader,
            name=form.cleaned_data["name"],
            language=form.cleaned_data["language"],
            time_zone=form.cleaned_data["time_zone"],
        )
        with translation.override(user.language):
            messages.success(request, _("Saved."))
        return redirect("me")
    # A refused form has already written on its instance: what is shown besides is read afresh.
    return render(request, "accounts/me.html", {"form": form, "memberships": selectors.memberships(reader)})


@guard({"POST": ANYONE})
def set_language(request: HttpRequest) -> HttpResponseBase:
    """Remember the language in a cookie and, for who is signed in, with the person."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in languages():
        services.change_language(user=request.user, language=chosen)
    return set_language_cookie(request)
