"""The steward's queue of organisations, and the answer to each."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from accounts.forms.organisations import DecisionForm
from accounts.models import Organisation
from accounts.selectors.organisations import case_page, queue_page
from accounts.services import organisations as service
from common import clock
from common.access import guard
from common.errors import DomainError


@never_cache
@guard(STEWARD)
def steward_organisations(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/steward_organisations.html", {"page": queue_page()})


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_organisation(request: HttpRequest, slug: str) -> HttpResponse:
    organisation = get_object_or_404(Organisation.objects.select_related("decided_by"), slug=slug)
    form, problem, status = DecisionForm(request.POST if request.method == "POST" else None), "", 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                _answer(request, organisation, form)
            except DomainError as refusal:  # another steward was quicker
                problem, status = refusal.message, refusal.status
                organisation.refresh_from_db()
            else:
                return redirect("steward_organisations")
    page = case_page(organisation=organisation, reader=person(request))
    context = {"page": page, "form": form, "problem": problem}
    return render(request, "accounts/steward_organisation.html", context, status=status)


def _answer(request: HttpRequest, organisation: Organisation, form: DecisionForm) -> None:
    by, at, reason = person(request), clock.now(), form.cleaned_data["reason"]
    if form.cleaned_data["answer"] == "verify":
        service.verify(organisation=organisation, by=by, at=at, reason=reason)
        messages.success(request, _("%(name)s is verified.") % {"name": organisation})
    else:
        service.decline(organisation=organisation, by=by, at=at, reason=reason)
        messages.success(request, _("%(name)s is declined.") % {"name": organisation})
