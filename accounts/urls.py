"""Addresses of people: signing in and out is allauth's, under /accounts/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from accounts.api import me as me_api, tokens as tokens_api
from accounts.views import invitations, me, notices, oidc, rules, security

# at /
pages: list[URLPattern] = [
    path("rules/", rules.rules, name="rules"),
    # /me/
    path("me/", me.me, name="me"),
    path("me/security/", security.security, name="security"),
    path("me/security/sessions/end/", security.sessions_end, name="sessions_end"),
    path("me/security/sessions/<int:session_id>/end/", security.session_end, name="session_end"),
    path("me/notices/", notices.inbox, name="notices"),
    path("me/notices/read/", notices.notices_read, name="notices_read"),
    path("me/notices/<uuid:uid>/read/", notices.notice_read, name="notice_read"),
    path("me/notices/preferences/", notices.preferences, name="notice_preferences"),
    path("notices/unsubscribe/<str:token>/", notices.unsubscribe, name="unsubscribe"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("i18n/setlang/", me.set_language, name="set_language"),
]
# at /accounts/: allauth's, without what this site has another page for
entrance: list[URLPattern | URLResolver] = [
    path("2fa/", security.to_security, name="mfa_index"),
    path("2fa/webauthn/", security.to_security, name="mfa_list_webauthn"),
    path("oidc/<slug:provider_id>/", oidc.leave, name="oidc"),
    path("oidc/<slug:provider_id>/callback/", oidc.come_back, name="oidc_callback"),
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("3rdparty/", include("allauth.socialaccount.urls")),
]
# at /api/v1/
endpoints: list[URLPattern] = [
    path("api/v1/me", me_api.MeApi.as_view(), name="api_me"),
    path("api/v1/me/tokens", tokens_api.TokensApi.as_view(), name="api_tokens"),
    path("api/v1/me/tokens/<uuid:uid>", tokens_api.TokenApi.as_view(), name="api_token"),
]
