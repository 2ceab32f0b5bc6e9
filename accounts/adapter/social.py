"""Signing in through a provider: who is found by it, and what its word is worth."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import Provider as AllauthProvider, ProviderAccount
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.domain.people import one_line
from accounts.domain.providers import Provider
from accounts.models import User
from accounts.services.oidc import Claims
from accounts.wording.signing_in import PROVIDER


class OidcProvider(AllauthProvider):  # type: ignore[misc]
    """One configured provider, as allauth sees it."""

    id = "openid_connect"
    account_class = ProviderAccount

    def __init__(self, request: HttpRequest, configured: Provider) -> None:
        app = SocialApp(
            provider=self.id,
            provider_id=configured.id,
            name=configured.name,
            client_id=configured.client_id,
        )
        super().__init__(request, app=app)
        self.name = configured.name
        self.configured = configured

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        url = reverse("oidc", kwargs={"provider_id": self.configured.id})
        return f"{url}?{urlencode(kwargs)}" if kwargs else url

    def extract_uid(self, data: Claims) -> str:
        return data.subject

    def extract_extra_data(self, data: Claims) -> dict[str, Any]:
        """Nothing is kept of a person beyond what finds them again."""
        return {}

    def extract_common_fields(self, data: Claims) -> dict[str, Any]:
        return {"email": data.email, "name": data.name}

    def extract_email_addresses(self, data: Claims) -> list[EmailAddress]:
        is_proved = data.email_is_verified and self.configured.trust_email
        return [EmailAddress(email=data.email, verified=is_proved, primary=True)] if data.email else []


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Providers are the settings' business; no table of them is asked."""

    error_messages = DefaultSocialAccountAdapter.error_messages | PROVIDER

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> OidcProvider:
        for configured in settings.OIDC_PROVIDERS.values():
            if provider == configured.id or (client_id and client_id == configured.client_id):
                return OidcProvider(request, configured)
        raise SocialApp.DoesNotExist

    def list_providers(self, request: HttpRequest) -> list[OidcProvider]:
        return [OidcProvider(request, configured) for configured in settings.OIDC_PROVIDERS.values()]

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = sociallogin.user
        user.email = data.get("email") or ""
        user.name = one_line(data.get("name") or "", User._meta.get_field("name").max_length)
        return user

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """Somebody's account opens by its address only where both sides have proved the address.

        An account that never proved it may be anybody's who typed it in; a provider whose word is not
        trusted may let anybody claim it.
        """
        for claimed in sociallogin.email_addresses:
            if not claimed.verified:
                continue
            ours = EmailAddress.objects.filter(email__iexact=claimed.email, verified=True)
            if found := ours.select_related("user").first():
                return found.user, found.email
        return None

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        return reverse("security")
