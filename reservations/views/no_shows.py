"""Appeals against no-shows, as stewards read and answer them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations.forms.changing import AnswerForm
from reservations.selectors import appeals as selectors
from reservations.services import no_shows


@never_cache
@guard(STEWARD)
def steward_no_shows(request: HttpRequest) -> HttpResponse:
    context = {"page": selectors.appeals_page(at=clock.now()), "own_project": None}
    return render(request, "reservations/steward_no_shows.html", context)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_no_show(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One no-show with its facts; POST answers the appeal."""
    no_show = get_object_or_404(selectors.every(), uid=uid)
    form, problem, status = AnswerForm(request.POST or None), "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                no_shows.answer(
                    no_show=no_show, is_upheld=form.cleaned_data["outcome"] == "upheld",
                    reason=form.cleaned_data["reason"], by=person(request), at=clock.now(),
                )  # fmt: skip
            except DomainError as error:
                problem, status = error.message, error.status
            else:
                messages.success(request, _("Answered. The person is told."))
                return redirect("steward_no_shows")
    page = selectors.appeal_page(no_show=no_show, reader=person(request))
    context = {"page": page, "form": form, "problem": problem, "own_project": None}
    return render(request, "reservations/steward_no_show.html", context, status=status)
