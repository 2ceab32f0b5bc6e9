"""The share tree's accounts of an organisation, as stewards give them, change them and take them back."""

from __future__ import annotations

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from accounts.models import Organisation
from common import clock, formats
from common.access import guard
from common.errors import DomainError
from reservations.forms.entrusting import ChangeForm, GiveForm, TakeBackForm
from reservations.models import Vertex
from reservations.selectors.entrusting import EntrustedRow, entrusted, entrusting_page
from reservations.services import entrusting


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_accounts(request: HttpRequest, slug: str) -> HttpResponse:
    """POST gives the organisation an account: one that there is, or a new one."""
    organisation = get_object_or_404(Organisation, slug=slug)
    page = entrusting_page(organisation=organisation, reader=person(request), at=clock.now())
    form = GiveForm(
        request.POST if request.method == "POST" else None, accounts=page.free, parents=page.parents
    )
    status = 400 if form.is_bound else 200
    if form.is_valid():
        asked = form.cleaned_data
        try:
            account = entrusting.give_account(
                organisation=organisation, account=_vertex(asked["account"]), parent=_vertex(asked["parent"]),
                name=asked["name"], count=asked["shares"], reason=asked["reason"], by=person(request),
                at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            status = _refuse(form, refusal)
        else:
            return _saved(request, organisation, account)
    context = {"page": page, "organisation": organisation, "form": form, "own_project": None}
    return render(request, "reservations/steward_accounts.html", context, status=status)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_account(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """POST changes what the account has among its siblings."""
    organisation = get_object_or_404(Organisation, slug=slug)
    account = get_object_or_404(Vertex, pk=pk, organisation=organisation)
    form = ChangeForm(request.POST if request.method == "POST" else None, initial={"shares": account.shares})
    if form.is_valid():
        try:
            account = entrusting.change_shares(
                organisation=organisation, account=account, count=form.cleaned_data["shares"],
                reason=form.cleaned_data["reason"], by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            return _account(request, organisation, account, change_form=form, status=_refuse(form, refusal))
        return _saved(request, organisation, account)
    return _account(request, organisation, account, change_form=form, status=400 if form.is_bound else 200)


@guard({"POST": STEWARD_ACTS})
def steward_account_take(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    organisation = get_object_or_404(Organisation, slug=slug)
    account = get_object_or_404(Vertex, pk=pk, organisation=organisation)
    form = TakeBackForm(request.POST)
    if not form.is_valid():
        return _account(request, organisation, account, take_form=form, status=400)
    try:
        entrusting.take_back(
            organisation=organisation, account=account, reason=form.cleaned_data["reason"],
            by=person(request), at=clock.now(),
        )  # fmt: skip
    except DomainError as refusal:
        return _account(request, organisation, account, take_form=form, status=_refuse(form, refusal))
    messages.success(request, _("Taken back. The organisation’s leads are told."))
    return redirect("steward_accounts", organisation.slug)


def _vertex(pk: int | None) -> Vertex | None:
    return None if pk is None else get_object_or_404(Vertex, pk=pk)


def _refuse(form: Form, refusal: DomainError) -> int:
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    return refusal.status


def _saved(request: HttpRequest, organisation: Organisation, account: Vertex) -> HttpResponse:
    row = _row(organisation, account)
    if row is not None:
        part = formats.percent(row.of_all, 2)
        messages.success(
            request,
            _("Saved: %(account)s is promised %(part)s of everything. The organisation’s leads are told.")
            % {"account": row.name, "part": part},
        )
    return redirect("steward_accounts", organisation.slug)


def _row(organisation: Organisation, account: Vertex) -> EntrustedRow | None:
    """None where another steward has taken it back in this moment."""
    rows = entrusted(organisation=organisation, at=clock.now())
    return next((row for row in rows if row.pk == account.pk), None)


def _account(
    request: HttpRequest,
    organisation: Organisation,
    account: Vertex,
    *,
    change_form: Form | None = None,
    take_form: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    row = _row(organisation, account)
    if row is None:
        raise Http404
    context = {
        "organisation": organisation,
        "own_project": None,
        "row": row,
        "is_own": organisation.memberships.filter(user=person(request)).exists(),
        "change_form": change_form or ChangeForm(initial={"shares": account.shares}),
        "take_form": take_form or TakeBackForm(),
    }
    return render(request, "reservations/steward_account.html", context, status=status)
