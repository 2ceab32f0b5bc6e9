"""The addresses of booking, jobs, projects, fairness and the first page."""

from __future__ import annotations

from django.urls import path

from reservations import api, streams
from reservations.views import book, project, public, reservation

pages = [
    path("", public.home, name="home"),
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
    path("projects/<slug:slug>/", project.project, name="project"),
    path("decisions/<uuid:uid>/", project.decision, name="decision"),
    path("decisions/<uuid:uid>.json", project.decision_twin, name="decision_json"),
    # what everybody may read
    path("policy/", public.policy, name="policy"),
    path("policy.json", public.policy_twin, name="policy_json"),
    path("fairness/", public.fairness, name="fairness"),
    path("fairness.json", public.fairness_twin, name="fairness_json"),
    path("status/", public.status, name="status"),
]

endpoints = [
    path("api/v1/reservations", api.ReservationsApi.as_view(), name="api_reservations"),
    path("api/v1/reservations/<uuid:uid>", api.ReservationApi.as_view(), name="api_reservation"),
]
