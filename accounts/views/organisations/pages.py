"""The list, registering, and an organisation's own page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ANYONE, ORGANISATION_LEAD, ORGANISATION_PAGE, SIGNED_IN, agreed, person
from accounts.forms.organisations import EvidenceForm, RegisterForm
from accounts.models import Organisation
from accounts.selectors.organisations import organisation_page, organisations_page
from accounts.services import organisations as service
from accounts.wording.organisations import kinds
from common import clock
from common.access import guard
from common.errors import DomainError


@never_cache
@guard(ANYONE)
def organisations(request: HttpRequest) -> HttpResponse:
    page = organisations_page(user=request.user)
    return render(request, "accounts/organisations.html", {"page": page})


@never_cache
@guard({"GET": SIGNED_IN, "POST": agreed(SIGNED_IN)})
def organisation_register(request: HttpRequest) -> HttpResponse:
    form, status = RegisterForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            asked = form.cleaned_data
            try:
                made = service.register(
                    name=asked["name"], kind=asked["kind"], country=asked["country"],
                    website=asked["website"], evidence=form.evidence,
                    is_public_body=asked["is_public_body"], by=person(request), at=clock.now(),
                )  # fmt: skip
            except DomainError as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
                status = refusal.status
            else:
                messages.success(request, _("Registered. A steward looks at it; you are told the answer."))
                return redirect(made)
    context = {"form": form, "kinds": kinds()}
    return render(request, "accounts/organisation_register.html", context, status=status)


@never_cache
@guard(ORGANISATION_PAGE)
def organisation(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    page = organisation_page(organisation=organisation, user=request.user)
    return render(request, "accounts/organisation.html", {"page": page})


@never_cache
@guard({"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)})
def organisation_ask_again(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """Other evidence, after a steward said no."""
    initial = {"website": organisation.website}
    form = EvidenceForm(request.POST if request.method == "POST" else None, initial=initial)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            service.ask_again(
                organisation=organisation, website=form.cleaned_data["website"], evidence=form.evidence,
                by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = refusal.status
        else:
            messages.success(request, _("Sent. A steward looks at it; you are told the answer."))
            return redirect(organisation)
    context = {"form": form, "organisation": organisation}
    return render(request, "accounts/organisation_ask_again.html", context, status=status)
