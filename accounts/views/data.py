"""One's own data: to take along, and to be let go of."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, person
from accounts.errors import ErasureRefused
from accounts.forms import EraseForm
from accounts.services import own_data
from common import clock
from common.access import guard


@guard(SIGNED_IN)
def data(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/data.html")


@never_cache
@guard(SIGNED_IN)
def data_export(request: HttpRequest) -> HttpResponseBase:
    """Asks again who it is: whoever finds an open browser does not carry everything away."""
    answer: HttpResponseBase = _export(request)
    return answer


@reauthentication_required(app="accounts")  # type: ignore[untyped-decorator]
def _export(request: HttpRequest) -> HttpResponseBase:
    now = clock.now()
    pieces = own_data.export_json(user=person(request), at=now)
    answer = StreamingHttpResponse(pieces, content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="equinode-{now:%Y-%m-%d}.json"'
    return answer


@never_cache
@guard({"GET": SIGNED_IN, "POST": SIGNED_IN})
def data_erase(request: HttpRequest) -> HttpResponseBase:
    answer: HttpResponseBase = _erase(request)
    return answer


@reauthentication_required(app="accounts")  # type: ignore[untyped-decorator]
def _erase(request: HttpRequest) -> HttpResponseBase:
    user, now = person(request), clock.now()
    form = EraseForm(request.POST or None, user=user)
    if form.is_valid():
        try:
            own_data.erase(user=user, at=now)
        except ErasureRefused as refusal:
            form.add_error(None, refusal.message)
        else:
            logout(request)
            messages.success(request, _("Your account is deleted."))
            return redirect("/")
    page = {"form": form, "plan": own_data.plan(user=user, at=now)}
    return render(request, "accounts/data_erase.html", page, status=409 if form.non_field_errors() else 200)
