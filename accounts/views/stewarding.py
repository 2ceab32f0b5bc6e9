"""Stewards: finding people, a person's page and what can be done there; what is told to everybody."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from accounts.forms.stewarding import ActForm, AnnouncementForm
from accounts.models import Announcement, User
from accounts.selectors import announcements as announced, people as selectors
from accounts.services import announcements, stewarding
from common import clock
from common.access import guard
from common.errors import DomainError


@never_cache
@guard(STEWARD)
def steward_people(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:100]
    return render(request, "accounts/steward_people.html", {"page": selectors.people(asked=asked)})


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_person(request: HttpRequest, uid: UUID) -> HttpResponse:
    """What each act leads to stands beside its button; POST does it."""
    at, problem, status = clock.now(), "", 200
    form = ActForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                _act(request, uid, form)
            except DomainError as refusal:
                problem, status = refusal.message, refusal.status
            else:
                return redirect("steward_person", uid)
    page = selectors.person_page(uid=uid, reader=person(request), at=at)
    context = {"page": page, "form": form, "problem": problem}
    return render(request, "accounts/steward_person.html", context, status=status)


def _act(request: HttpRequest, uid: UUID, form: ActForm) -> None:
    whom = get_object_or_404(User, uid=uid)
    act, said = {
        "close": (stewarding.close_person, _("Closed, and signed out everywhere.")),
        "reopen": (stewarding.reopen_person, _("Open again.")),
        "end_sessions": (stewarding.end_sessions, _("All sessions have ended.")),
    }[form.cleaned_data["act"]]
    act(person=whom, reason=form.cleaned_data["reason"], by=person(request), at=clock.now())
    messages.success(request, said)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_announcements(request: HttpRequest) -> HttpResponse:
    at, problem, status = clock.now(), "", 200
    form = AnnouncementForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                announcements.announce(by=person(request), at=at, **form.cleaned_data)
            except DomainError as refusal:
                problem, status = refusal.message, refusal.status
            else:
                messages.success(request, _("It is shown to everybody in its time."))
                return redirect("steward_announcements")
    context = {"page": announced.announcements_page(now=at), "form": form, "problem": problem}
    return render(request, "accounts/steward_announcements.html", context, status=status)


@guard({"POST": STEWARD_ACTS})
def steward_announcement_end(request: HttpRequest, uid: UUID) -> HttpResponse:
    announcement = get_object_or_404(Announcement, uid=uid)
    try:
        announcements.end_now(announcement=announcement, by=person(request), at=clock.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Ended."))
    return redirect("steward_announcements")


@guard({"POST": STEWARD_ACTS})
def steward_mail_again(request: HttpRequest) -> HttpResponse:
    count = stewarding.try_mail_again(by=person(request), at=clock.now())
    messages.success(
        request,
        ngettext("%(count)d mail is tried again.", "%(count)d mails are tried again.", count)
        % {"count": count},
    )
    return redirect("steward")
