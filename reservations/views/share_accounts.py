"""The share tree as stewards see it, and its accounts, which they put elsewhere."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations.forms.share_accounts import AccountPlaceForm, AccountPlaceWhyForm
from reservations.models import Vertex
from reservations.selectors.share_accounts import AccountPage, account_page, move_asked, tree_page
from reservations.services import moving_accounts


@never_cache
@guard(STEWARD)
def steward_share_accounts(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/share_accounts.html", {"page": tree_page(), "own_project": None})


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_share_account(request: HttpRequest, pk: int) -> HttpResponse:
    """With `?account=` and `?shares=` it tells what that place would mean; POST moves it there."""
    account = get_object_or_404(Vertex, pk=pk, project=None)
    page = account_page(account=account, reader=person(request))
    if request.method != "POST":
        asked = AccountPlaceForm(request.GET, accounts=page.places) if "account" in request.GET else None
        return _page(request, account, page, form=asked)
    form = AccountPlaceWhyForm(request.POST, accounts=page.places)
    if not form.is_valid():
        return _page(request, account, page, form=form, status=400)
    asked_for = form.cleaned_data
    try:
        moving_accounts.move_account(
            account=account, below=get_object_or_404(Vertex, pk=asked_for["account"]),
            count=asked_for["shares"], reason=asked_for["reason"], by=person(request), at=clock.now(),
        )  # fmt: skip
    except DomainError as refusal:
        if refusal.field == "reason":
            form.add_error("reason", refusal.message)
            return _page(request, account, page, form=form, status=refusal.status)
        return _page(request, account, page, form=form, problem=refusal.message, status=refusal.status)
    messages.success(
        request, _("Moved. It stands in the ledger, and the leads of its organisations are told.")
    )
    return redirect("steward_share_account", account.pk)


def _page(
    request: HttpRequest,
    account: Vertex,
    page: AccountPage,
    *,
    form: AccountPlaceForm | None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"page": page, "problem": problem, "own_project": None}
    if form is None:
        form = AccountPlaceForm(
            accounts=page.places, initial={"account": page.below, "shares": account.shares or 0}
        )
    elif page.can_move and not {"account", "shares"} & set(form.errors):
        asked = form.cleaned_data
        context["asked"] = move_asked(account=account, below=asked["account"], shares=asked["shares"])
        context["asked_below"] = form.account_name
        if not isinstance(form, AccountPlaceWhyForm):
            form = AccountPlaceWhyForm(accounts=[], initial=asked)
    return render(request, "reservations/share_account.html", context | {"form": form}, status=status)
