"""Addresses of people: signing in and out is allauth's, under /accounts/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from accounts.api import (
    announcements as announcements_api,
    invitations as invited,
    me as me_api,
    members as belonging,
    notices as notices_api,
    organisations as organisations_api,
    own_data as own_data_api,
    people as people_api,
    sessions as sessions_api,
    tokens as tokens_api,
)
from accounts.views import codes, data, invitations, me, notices, oidc, rules, security, stewarding, tokens
from accounts.views.organisations import members, pages as organisations, steward

# at /
pages: list[URLPattern] = [
    path("rules/", rules.rules, name="rules"),
    # /me/
    path("me/", me.me, name="me"),
    path("me/data/", data.data, name="data"),
    path("me/data/export/", data.data_export, name="data_export"),
    path("me/data/erase/", data.data_erase, name="data_erase"),
    path("me/security/", security.security, name="security"),
    path("me/security/sessions/end/", security.sessions_end, name="sessions_end"),
    path("me/security/sessions/<int:session_id>/end/", security.session_end, name="session_end"),
    path("me/tokens/", tokens.tokens, name="tokens"),
    path("me/tokens/<uuid:uid>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("me/notices/", notices.inbox, name="notices"),
    path("me/notices/read/", notices.notices_read, name="notices_read"),
    path("me/notices/<uuid:uid>/read/", notices.notice_read, name="notice_read"),
    path("me/notices/preferences/", notices.preferences, name="notice_preferences"),
    path("notices/unsubscribe/<str:token>/", notices.unsubscribe, name="unsubscribe"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    # /organisations/
    path("organisations/", organisations.organisations, name="organisations"),
    path("organisations/register/", organisations.organisation_register, name="organisation_register"),
    path("organisations/<slug:slug>/", organisations.organisation, name="organisation"),
    path(
        "organisations/<slug:slug>/ask-again/",
        organisations.organisation_ask_again,
        name="organisation_ask_again",
    ),
    path("organisations/<slug:slug>/leave/", members.organisation_leave, name="organisation_leave"),
    path("organisations/<slug:slug>/members/", members.organisation_members, name="organisation_members"),
    path(
        "organisations/<slug:slug>/members/invite/",
        members.organisation_invite,
        name="organisation_invite",
    ),
    path(
        "organisations/<slug:slug>/invitations/<uuid:uid>/resend/",
        members.organisation_invitation_resend,
        name="organisation_invitation_resend",
    ),
    path(
        "organisations/<slug:slug>/invitations/<uuid:uid>/revoke/",
        members.organisation_invitation_revoke,
        name="organisation_invitation_revoke",
    ),
    path(
        "organisations/<slug:slug>/members/<uuid:uid>/",
        members.organisation_member,
        name="organisation_member",
    ),
    path(
        "organisations/<slug:slug>/members/<uuid:uid>/hand-over/",
        members.organisation_hand_over,
        name="organisation_hand_over",
    ),
    path(
        "organisations/<slug:slug>/members/<uuid:uid>/remove/",
        members.organisation_member_remove,
        name="organisation_member_remove",
    ),
    # /steward/
    path("steward/organisations/", steward.steward_organisations, name="steward_organisations"),
    path("steward/organisations/<slug:slug>/", steward.steward_organisation, name="steward_organisation"),
    path("steward/people/", stewarding.steward_people, name="steward_people"),
    path("steward/people/<uuid:uid>/", stewarding.steward_person, name="steward_person"),
    path("steward/announcements/", stewarding.steward_announcements, name="steward_announcements"),
    path(
        "steward/announcements/<uuid:uid>/end/",
        stewarding.steward_announcement_end,
        name="steward_announcement_end",
    ),
    path("steward/mail/again/", stewarding.steward_mail_again, name="steward_mail_again"),
    path("i18n/setlang/", me.set_language, name="set_language"),
]
# at /accounts/: allauth's, without what this site has another page for
entrance: list[URLPattern | URLResolver] = [
    path("2fa/", security.to_security, name="mfa_index"),
    path("2fa/webauthn/", security.to_security, name="mfa_list_webauthn"),
    path("oidc/<slug:provider_id>/", oidc.leave, name="oidc"),
    path("oidc/<slug:provider_id>/callback/", oidc.come_back, name="oidc_callback"),
    path("3rdparty/", oidc.connections, name="socialaccount_connections"),
    path("confirm-email/", codes.address_code, name="account_email_verification_sent"),
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("3rdparty/", include("allauth.socialaccount.urls")),
]
# at /api/v1/
endpoints: list[URLPattern] = [
    path("api/v1/announcements", announcements_api.AnnouncementsApi.as_view(), name="api_announcements"),
    path(
        "api/v1/announcements/all",
        announcements_api.EveryAnnouncementApi.as_view(),
        name="api_announcements_all",
    ),
    path(
        "api/v1/announcements/<uuid:uid>",
        announcements_api.AnnouncementApi.as_view(),
        name="api_announcement",
    ),
    path("api/v1/people", people_api.PeopleApi.as_view(), name="api_people"),
    path("api/v1/people/<uuid:uid>", people_api.PersonApi.as_view(), name="api_person"),
    path("api/v1/people/<uuid:uid>/close", people_api.ClosePersonApi.as_view(), name="api_person_close"),
    path("api/v1/people/<uuid:uid>/reopen", people_api.ReopenPersonApi.as_view(), name="api_person_reopen"),
    path(
        "api/v1/people/<uuid:uid>/end-sessions",
        people_api.EndSessionsApi.as_view(),
        name="api_person_end_sessions",
    ),
    path("api/v1/mail/again", people_api.MailAgainApi.as_view(), name="api_mail_again"),
    path("api/v1/me/sessions", sessions_api.SessionsApi.as_view(), name="api_sessions"),
    path("api/v1/me/sessions/<int:session_id>", sessions_api.SessionApi.as_view(), name="api_session"),
    path("api/v1/me", me_api.MeApi.as_view(), name="api_me"),
    path("api/v1/me/tokens", tokens_api.TokensApi.as_view(), name="api_tokens"),
    path("api/v1/me/tokens/<uuid:uid>", tokens_api.TokenApi.as_view(), name="api_token"),
    path("api/v1/me/export", own_data_api.ExportApi.as_view(), name="api_export"),
    path("api/v1/me/notices", notices_api.NoticesApi.as_view(), name="api_notices"),
    path("api/v1/me/notices/read", notices_api.NoticesReadApi.as_view(), name="api_notices_read"),
    path("api/v1/me/notices/preferences", notices_api.PreferencesApi.as_view(), name="api_preferences"),
    path("api/v1/me/notices/<uuid:uid>/read", notices_api.NoticeReadApi.as_view(), name="api_notice_read"),
    path("api/v1/invitations/<str:token>", invited.ReceivedInvitationApi.as_view(), name="api_invitation"),
    path(
        "api/v1/invitations/<str:token>/decline",
        invited.DeclinedInvitationApi.as_view(),
        name="api_invitation_decline",
    ),
    *[
        path(f"api/v1/{address}", view.as_view(), name=f"api_{name}")
        for address, view, name in (
            ("projects/<slug:slug>/members", belonging.ProjectMembersApi, "members"),
            ("projects/<slug:slug>/members/<uuid:uid>", belonging.ProjectMemberApi, "member"),
            ("projects/<slug:slug>/members/<uuid:uid>/hand-over", belonging.ProjectHandOverApi, "hand_over"),
            ("projects/<slug:slug>/leave", belonging.ProjectLeaveApi, "leave"),
            ("projects/<slug:slug>/invitations", invited.ProjectInvitationsApi, "invitations"),
            ("projects/<slug:slug>/invitations/<uuid:uid>", invited.ProjectInvitationApi, "invitation_sent"),
            (
                "projects/<slug:slug>/invitations/<uuid:uid>/resend",
                invited.ProjectResendApi,
                "invitation_resend",
            ),
            (
                "organisations/<slug:slug>/invitations/<uuid:uid>/resend",
                invited.OrganisationResendApi,
                "organisation_invitation_resend",
            ),
            ("organisations", organisations_api.OrganisationsApi, "organisations"),
            ("organisations/<slug:slug>", organisations_api.OrganisationApi, "organisation"),
            ("organisations/<slug:slug>/ask-again", organisations_api.AskAgainApi, "organisation_ask_again"),
            ("organisations/<slug:slug>/verify", organisations_api.VerifyApi, "organisation_verify"),
            ("organisations/<slug:slug>/decline", organisations_api.DeclineApi, "organisation_decline"),
            ("organisations/<slug:slug>/members", belonging.OrganisationMembersApi, "organisation_members"),
            (
                "organisations/<slug:slug>/members/<uuid:uid>",
                belonging.OrganisationMemberApi,
                "organisation_member",
            ),
            (
                "organisations/<slug:slug>/members/<uuid:uid>/hand-over",
                belonging.OrganisationHandOverApi,
                "organisation_hand_over",
            ),
            ("organisations/<slug:slug>/leave", belonging.OrganisationLeaveApi, "organisation_leave"),
            (
                "organisations/<slug:slug>/invitations",
                invited.OrganisationInvitationsApi,
                "organisation_invitations",
            ),
            (
                "organisations/<slug:slug>/invitations/<uuid:uid>",
                invited.OrganisationInvitationApi,
                "organisation_invitation_sent",
            ),
        )
    ],
]
