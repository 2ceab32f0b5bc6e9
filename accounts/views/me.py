"""A person's own page, and the language switch."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as set_language_cookie

from accounts import selectors, services
from accounts.forms import PersonForm, languages


@login_required
def me(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone, and what one belongs to."""
    assert request.user.is_authenticated
    form = PersonForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user = services.change_person(
            user=request.user,
            name=form.cleaned_data["name"],
            language=form.cleaned_data["language"],
            time_zone=form.cleaned_data["time_zone"],
        )
        with translation.override(user.language):
            messages.success(request, _("Saved."))
        return redirect("me")
    # A refused form has already written on its instance: what is shown besides is read afresh.
    return render(
        request, "accounts/me.html", {"form": form, "memberships": selectors.memberships(request.user)}
    )


@require_POST
def set_language(request: HttpRequest) -> HttpResponseBase:
    """Remember the language in a cookie and, for who is signed in, with the person."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in languages():
        services.change_language(user=request.user, language=chosen)
    return set_language_cookie(request)
