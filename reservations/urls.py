"""The addresses of booking, jobs, projects, fairness and the first page."""

from __future__ import annotations

from django.urls import path

from reservations import streams
from reservations.api import (
    applications as asked,
    bookings,
    entrusting as entrusted,
    exceptions as excepted,
    onboarding as first_steps,
    projects,
    public as public_api,
    runs,
    shares as shared_out,
    stewarding as held,
    times,
)
from reservations.views import (
    applications,
    book,
    entrusting,
    exceptions,
    inside,
    members,
    onboarding,
    project,
    public,
    reservation,
    settings,
    steward_front,
    stewarding,
)

pages = [
    path("", public.home, name="home"),
    path("start/", onboarding.start, name="start"),
    path("welcome/", onboarding.welcome, name="welcome"),
    # /book/
    path("book/", book.book, name="book"),
    path("book/preview/", book.book_preview, name="book_preview"),
    # /reservations/<uid>/
    path("reservations/<uuid:uid>/", reservation.reservation, name="reservation"),
    path("reservations/<uuid:uid>/cancel/", reservation.reservation_cancel, name="reservation_cancel"),
    path("reservations/<uuid:uid>/runs/", reservation.run_add, name="run_add"),
    # /runs/<uid>/
    path("runs/<uuid:uid>/stop/", reservation.run_stop, name="run_stop"),
    path("runs/<uuid:uid>/events/", streams.run_events, name="run_events"),
    path("runs/<uuid:uid>/log/", reservation.run_log, name="run_log"),
    path("runs/<uuid:uid>/files/<path:name>", reservation.run_file, name="run_file"),
    # /projects/, /decisions/<uid>/
    path("projects/", project.projects, name="projects"),
    path("projects/apply/", applications.apply, name="apply"),
    path("projects/<slug:slug>/", project.project, name="project"),
    path("projects/<slug:slug>/members/", members.members, name="members"),
    path("projects/<slug:slug>/members/invite/", members.invite, name="invite"),
    path(
        "projects/<slug:slug>/invitations/<uuid:uid>/resend/",
        members.invitation_resend,
        name="invitation_resend",
    ),
    path(
        "projects/<slug:slug>/invitations/<uuid:uid>/revoke/",
        members.invitation_revoke,
        name="invitation_revoke",
    ),
    path("projects/<slug:slug>/members/<uuid:uid>/", members.member, name="member"),
    path("projects/<slug:slug>/members/<uuid:uid>/hand-over/", members.hand_over, name="hand_over"),
    path("projects/<slug:slug>/members/<uuid:uid>/remove/", members.member_remove, name="member_remove"),
    path("projects/<slug:slug>/leave/", members.leave, name="leave"),
    path("projects/<slug:slug>/settings/", settings.settings, name="project_settings"),
    path("projects/<slug:slug>/close/", settings.close, name="project_close"),
    path("steward/", steward_front.steward, name="steward"),
    # /applications/<uid>/, /steward/applications/
    path("applications/<uuid:uid>/", applications.application, name="application"),
    path("applications/<uuid:uid>/withdraw/", applications.application_withdraw, name="application_withdraw"),
    path("applications/<uuid:uid>/evidence/", applications.application_evidence, name="application_evidence"),
    path("steward/applications/", applications.steward_applications, name="steward_applications"),
    path("steward/applications/<uuid:uid>/", applications.steward_application, name="steward_application"),
    path(
        "steward/applications/<uuid:uid>/decline/",
        applications.steward_application_decline,
        name="steward_application_decline",
    ),
    # /organisations/<slug>/shares/
    path("organisations/<slug:slug>/shares/", inside.organisation_shares, name="organisation_shares"),
    path("organisations/<slug:slug>/shares/<int:pk>/", inside.organisation_share, name="organisation_share"),
    path(
        "organisations/<slug:slug>/shares/<int:pk>/end/",
        inside.organisation_share_end,
        name="organisation_share_end",
    ),
    path(
        "organisations/<slug:slug>/shares/<int:pk>/invite/",
        inside.organisation_share_invite,
        name="organisation_share_invite",
    ),
    path(
        "organisations/<slug:slug>/shares/<int:pk>/withdraw/",
        inside.organisation_share_withdraw,
        name="organisation_share_withdraw",
    ),
    path(
        "organisations/<slug:slug>/shares/<int:pk>/resend/",
        inside.organisation_share_resend,
        name="organisation_share_resend",
    ),
    # /steward/organisations/<slug>/account/
    path("steward/organisations/<slug:slug>/account/", entrusting.steward_accounts, name="steward_accounts"),
    path(
        "steward/organisations/<slug:slug>/account/<int:pk>/",
        entrusting.steward_account,
        name="steward_account",
    ),
    path(
        "steward/organisations/<slug:slug>/account/<int:pk>/take-back/",
        entrusting.steward_account_take,
        name="steward_account_take",
    ),
    # /steward/projects/<slug>/
    path("steward/projects/<slug:slug>/", stewarding.steward_project, name="steward_project"),
    path("steward/projects/<slug:slug>/suspend/", stewarding.steward_suspend, name="steward_suspend"),
    path("steward/projects/<slug:slug>/resume/", stewarding.steward_resume, name="steward_resume"),
    path("steward/projects/<slug:slug>/end/", stewarding.steward_end, name="steward_end"),
    path("steward/projects/<slug:slug>/place/", stewarding.steward_place, name="steward_place"),
    path("steward/projects/<slug:slug>/class/", stewarding.steward_class, name="steward_class"),
    # /steward/exceptions/
    path("steward/exceptions/", exceptions.steward_exceptions, name="steward_exceptions"),
    path("steward/exceptions/<uuid:uid>/", exceptions.steward_exception, name="steward_exception"),
    path(
        "steward/projects/<slug:slug>/exceptions/",
        exceptions.steward_project_exceptions,
        name="steward_project_exceptions",
    ),
    path("decisions/<uuid:uid>/", project.decision, name="decision"),
    path("decisions/<uuid:uid>.json", project.decision_twin, name="decision_json"),
    # what everybody may read
    path("policy/", public.policy, name="policy"),
    path("policy.json", public.policy_twin, name="policy_json"),
    path("exceptions/", exceptions.exceptions, name="exceptions"),
    path("exceptions.json", exceptions.exceptions_json, name="exceptions_json"),
    path("exceptions.csv", exceptions.exceptions_csv, name="exceptions_csv"),
    path("fairness/", public.fairness, name="fairness"),
    path("fairness.json", public.fairness_twin, name="fairness_json"),
    path("status/", public.status, name="status"),
]

endpoints = [
    path("api/v1/reservations", bookings.ReservationsApi.as_view(), name="api_reservations"),
    path("api/v1/reservations/preview", bookings.PreviewApi.as_view(), name="api_preview"),
    path("api/v1/reservations/<uuid:uid>", bookings.ReservationApi.as_view(), name="api_reservation"),
    path("api/v1/reservations/<uuid:uid>/runs", runs.RunsApi.as_view(), name="api_runs"),
    path("api/v1/runs/<uuid:uid>", runs.RunApi.as_view(), name="api_run"),
    path("api/v1/runs/<uuid:uid>/stop", runs.RunStopApi.as_view(), name="api_run_stop"),
    path("api/v1/runs/<uuid:uid>/log", runs.RunLogApi.as_view(), name="api_run_log"),
    path("api/v1/runs/<uuid:uid>/files", runs.RunFilesApi.as_view(), name="api_run_files"),
    path("api/v1/runs/<uuid:uid>/files/<path:name>", runs.RunFileApi.as_view(), name="api_run_file"),
    path("api/v1/timetable", times.TimetableApi.as_view(), name="api_timetable"),
    path("api/v1/nodes/<slug:slug>/slots", times.NodeSlotsApi.as_view(), name="api_node_slots"),
    path("api/v1/projects", projects.ProjectsApi.as_view(), name="api_projects"),
    path("api/v1/projects/<slug:slug>", projects.ProjectApi.as_view(), name="api_project"),
    path("api/v1/projects/<slug:slug>/close", projects.ProjectCloseApi.as_view(), name="api_project_close"),
    path("api/v1/projects/<slug:slug>/suspend", held.SuspendApi.as_view(), name="api_project_suspend"),
    path("api/v1/projects/<slug:slug>/resume", held.ResumeApi.as_view(), name="api_project_resume"),
    path("api/v1/projects/<slug:slug>/end", held.EndApi.as_view(), name="api_project_end"),
    path("api/v1/projects/<slug:slug>/class", held.ClassApi.as_view(), name="api_project_class"),
    path("api/v1/projects/<slug:slug>/place", held.PlaceApi.as_view(), name="api_project_place"),
    path("api/v1/share-accounts", held.AccountsApi.as_view(), name="api_share_accounts"),
    path(
        "api/v1/organisations/<slug:slug>/accounts",
        entrusted.OrganisationAccountsApi.as_view(),
        name="api_organisation_accounts",
    ),
    path(
        "api/v1/organisations/<slug:slug>/accounts/<int:pk>",
        entrusted.OrganisationAccountApi.as_view(),
        name="api_organisation_account",
    ),
    path(
        "api/v1/organisations/<slug:slug>/accounts/<int:pk>/take-back",
        entrusted.OrganisationAccountTakeApi.as_view(),
        name="api_organisation_account_take",
    ),
    path("api/v1/organisations/<slug:slug>/shares", shared_out.SharesApi.as_view(), name="api_shares"),
    path("api/v1/organisations/<slug:slug>/shares/<int:pk>", shared_out.ShareApi.as_view(), name="api_share"),
    path(
        "api/v1/organisations/<slug:slug>/shares/<int:pk>/end",
        shared_out.ShareEndApi.as_view(),
        name="api_share_end",
    ),
    path(
        "api/v1/organisations/<slug:slug>/shares/<int:pk>/invitation",
        shared_out.ShareInvitationApi.as_view(),
        name="api_share_invitation",
    ),
    path(
        "api/v1/organisations/<slug:slug>/shares/<int:pk>/resend",
        shared_out.ShareResendApi.as_view(),
        name="api_share_resend",
    ),
    path("api/v1/applications", asked.ApplicationsApi.as_view(), name="api_applications"),
    path("api/v1/applications/queue", asked.ApplicationQueueApi.as_view(), name="api_application_queue"),
    path("api/v1/applications/<uuid:uid>", asked.ApplicationApi.as_view(), name="api_application"),
    path(
        "api/v1/applications/<uuid:uid>/grant",
        asked.ApplicationGrantApi.as_view(),
        name="api_application_grant",
    ),
    path(
        "api/v1/applications/<uuid:uid>/decline",
        asked.ApplicationDeclineApi.as_view(),
        name="api_application_decline",
    ),
    path("api/v1/rules", first_steps.RulesApi.as_view(), name="api_rules"),
    path("api/v1/me/welcome", first_steps.WelcomeApi.as_view(), name="api_welcome"),
    path("api/v1/decisions/<uuid:uid>", projects.DecisionApi.as_view(), name="api_decision"),
    path("api/v1/exceptions", excepted.ExceptionsApi.as_view(), name="api_exceptions"),
    path("api/v1/exceptions/<uuid:uid>", excepted.ExceptionApi.as_view(), name="api_exception"),
    path("api/v1/exceptions/<uuid:uid>/end", excepted.ExceptionEndApi.as_view(), name="api_exception_end"),
    path("api/v1/policy", public_api.PolicyApi.as_view(), name="api_policy"),
    path("api/v1/fairness", public_api.FairnessApi.as_view(), name="api_fairness"),
    path("api/v1/status", public_api.StatusApi.as_view(), name="api_status"),
]
