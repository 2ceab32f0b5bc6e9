"""A person's tokens: made, shown once, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, TOKEN_HOLDER, agreed, person
from accounts.authentication import show_again
from accounts.domain import scopes
from accounts.errors import TokenRefused
from accounts.forms.tokens import TokenForm
from accounts.models import ApiToken, Project
from accounts.selectors.tokens import tokens_page
from accounts.services import tokens as services
from common import clock
from common.access import guard


@never_cache
@guard({"GET": SIGNED_IN, "POST": agreed(SIGNED_IN)})
def tokens(request: HttpRequest) -> HttpResponse:
    """The secret is in the answer to the form: shown on a page after it, it would have been kept for that."""
    user, at, secret = person(request), clock.now(), ""
    projects = list(Project.objects.of(user))
    # `equinode login` prints this page's address with what it needs. A link may be anybody's: it
    # proposes what reaches into projects, never what makes tokens or moves money.
    proposed = [scope for scope in request.GET.getlist("scopes") if scope in scopes.OF_ONE_PROJECT]
    asked = {"name": request.GET.get("name", "")[:80], "scopes": proposed}
    initial = {name: value for name, value in asked.items() if value}
    form = TokenForm(request.POST or None, projects=projects, for_steward=user.is_steward, initial=initial)
    if request.method == "POST" and form.is_valid():
        filled = form.cleaned_data
        if filled["project"] is None and scopes.outside_a_project(filled["scopes"]):
            # Whoever finds an open browser does not make themselves a key to all that pages ask again for.
            show_again(request)
        try:
            _token, secret = services.create(
                user=user, name=filled["name"], scopes=filled["scopes"], project=filled["project"],
                expires_at=form.expires_at(at), at=at,
            )  # fmt: skip
            form = TokenForm(None, projects=projects, for_steward=user.is_steward)
        except TokenRefused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    page = tokens_page(user=user, at=at)
    return render(
        request, "accounts/tokens.html", {"form": form, "page": page, "secret": secret},
        status=400 if form.errors else 200,
    )  # fmt: skip


@guard({"POST": TOKEN_HOLDER})
def token_revoke(request: HttpRequest, token: ApiToken) -> HttpResponseRedirect:
    services.revoke(token=token, at=clock.now())
    messages.success(request, _("“%(name)s” is revoked: it opens nothing any more.") % {"name": token.name})
    return redirect("tokens")
