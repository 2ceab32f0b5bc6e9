"""Stewards hold the last 90 days against another policy: asking, watching how far it is, what flips."""

from __future__ import annotations

import csv
from io import StringIO
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations import tasks
from reservations.forms.replays import ReplayForm
from reservations.models import PolicyReplay
from reservations.selectors import replays as selectors
from reservations.selectors.replays import files
from reservations.services import replays as services


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_replays(request: HttpRequest) -> HttpResponse:
    """What was asked before, and the choice of a policy; POST asks."""
    draft = request.GET.get("draft", "")
    form = ReplayForm(request.POST or None, initial={"policy": f"draft-{draft}"} if draft else None)
    problem, status = "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                replay = services.ask_replay(
                    of=form.cleaned_data["policy"], by=person(request), at=clock.now()
                )
            except DomainError as refusal:
                problem, status = refusal.message, refusal.status
            else:
                tasks.hurry_replays()
                return redirect(replay)
    context = {
        "form": form, "problem": problem, "rows": selectors.latest(), "days": services.DAYS,
        "own_project": None,
    }  # fmt: skip
    return render(request, "reservations/steward_replays.html", context, status=status)


@never_cache
@guard(STEWARD)
def steward_replay(request: HttpRequest, uid: UUID) -> HttpResponse:
    context = {"page": selectors.replay_page(_found(uid)), "own_project": None}
    return render(request, "reservations/steward_replay.html", context)


@never_cache
@guard(STEWARD)
def steward_replay_progress(request: HttpRequest, uid: UUID) -> HttpResponse:
    """How far it is, for htmx; once it is over the page is to be read again."""
    page = selectors.replay_page(_found(uid))
    response = render(request, "reservations/_replay_progress.html", {"page": page})
    if page.result is not None:
        response.headers["HX-Refresh"] = "true"
    return response


@never_cache
@guard(STEWARD)
def steward_replay_json(request: HttpRequest, uid: UUID) -> JsonResponse:
    replay = _found(uid)
    return JsonResponse(files.replay_json(replay) | {"charts": files.charts(replay)})


@never_cache
@guard(STEWARD)
def steward_replay_csv(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Every decision that flips, one to a line."""
    text = StringIO()
    csv.writer(text).writerows(files.csv_lines(_found(uid)))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="replay-{uid}.csv"'
    return response


def _found(uid: UUID) -> PolicyReplay:
    return get_object_or_404(PolicyReplay.objects.select_related("version"), uid=uid)
