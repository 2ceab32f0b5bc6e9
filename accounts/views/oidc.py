"""Signing in through an OpenID Connect provider: leaving for it, and coming back."""

from __future__ import annotations

import logging
from http import HTTPStatus

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.views import ConnectionsView
from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ANYONE, SIGNED_IN
from accounts.domain.providers import Provider
from accounts.errors import AccountError, ProviderRefused
from accounts.services import oidc
from common.access import guard

logger = logging.getLogger(__name__)


@never_cache
@guard({"GET": ANYONE, "POST": ANYONE})
def leave(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET says where one would go, POST goes there.

    By a page that leads on, not a redirect: the content security policy lets a form go to this site only,
    and browsers hold every redirect that follows against it.
    """
    provider = _provider(provider_id)
    is_connecting = request.GET.get("process") == AuthProcess.CONNECT
    if request.method != "POST":
        return render(
            request, "socialaccount/login.html", {"provider": provider, "is_connecting": is_connecting}
        )
    attempt = oidc.Attempt()
    state = statekit.stash_state(
        request,
        provider_id=provider.id,
        state={
            "process": AuthProcess.CONNECT if is_connecting else AuthProcess.LOGIN,
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "next": get_next_redirect_url(request),
        },
    )
    try:
        url = oidc.authorization_url(
            provider=provider, attempt=attempt, state=state, redirect_uri=_redirect_uri(provider)
        )
    except AccountError as refusal:
        return _trouble(request, provider, refusal)
    return render(request, "socialaccount/leaving.html", {"provider": provider, "url": url})


@never_cache
@guard(ANYONE)
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    provider = _provider(provider_id)
    state = statekit.unstash_state(request, provider_id=provider.id, state_id=request.GET.get("state", ""))
    if state is None:
        return _trouble(request, provider, _not_begun(provider))
    if request.GET.get("error") == "access_denied":
        return render(request, "socialaccount/login_cancelled.html", {"provider": provider})
    try:
        claims = oidc.redeem(
            provider=provider,
            attempt=oidc.Attempt(nonce=state["nonce"], verifier=state["verifier"]),
            code=request.GET.get("code", ""),
            redirect_uri=_redirect_uri(provider),
        )
    except AccountError as refusal:
        return _trouble(request, provider, refusal)
    found = get_adapter().get_provider(request, provider.id)
    login = found.sociallogin_from_response(request, claims)
    login.state = {name: state[name] for name in ("process", "next")}
    answer: HttpResponse = complete_social_login(request, login)
    return answer


def _provider(provider_id: str) -> Provider:
    found: Provider | None = settings.OIDC_PROVIDERS.get(provider_id)
    if found is None:
        raise Http404
    return found


def _redirect_uri(provider: Provider) -> str:
    """By the site's own address, not by the Host that a request names."""
    return settings.SITE_ORIGIN + reverse("oidc_callback", kwargs={"provider_id": provider.id})


def _not_begun(provider: Provider) -> ProviderRefused:
    said = _("This sign-in was not begun in this browser, or more than ten minutes ago. Begin again.")
    return ProviderRefused(said, cause="unknown state")


def _trouble(request: HttpRequest, provider: Provider, refusal: AccountError) -> HttpResponse:
    logger.warning("%s: %s", provider.id, refusal.details.get("cause"))
    context = {"provider": provider, "message": refusal.message}
    page = render(request, "socialaccount/authentication_error.html", context, status=refusal.status)
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        page.headers["Retry-After"] = "60"
    return page


class _Disconnecting(ConnectionsView):  # type: ignore[misc]
    """allauth's form, whose page is ours: it shows the providers beside the other means."""

    success_url = reverse_lazy("security")

    def form_invalid(self, form: Form) -> HttpResponse:
        for errors in form.errors.values():
            for error in errors:
                messages.error(self.request, str(error))
        return redirect("security")


@never_cache
@guard({"GET": SIGNED_IN, "POST": SIGNED_IN})
def connections(request: HttpRequest) -> HttpResponse:
    """POST disconnects one; what there is stands on the page of security."""
    if request.method != "POST":
        return redirect("security")
    answer: HttpResponse = _Disconnecting.as_view()(request)
    return answer
