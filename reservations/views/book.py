"""The booking page: the week's timetable, the preview of a slot, booking it, and being refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ANYONE, SIGNED_IN, agreed, person
from accounts.models import Project
from accounts.selectors.house_rules import has_accepted
from common import clock
from common.access import guard
from common.errors import DomainError
from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy, Refused
from reservations.forms import SlotForm
from reservations.selectors import confinement, policies
from reservations.selectors.decision import decision_page, decisions_of
from reservations.selectors.exceptions import horizon_of, with_horizon
from reservations.selectors.frame import Frame
from reservations.selectors.links import slot_url
from reservations.selectors.offers import offer_rows, way_through
from reservations.selectors.preview import Asked, preview_page
from reservations.selectors.timetable import week
from reservations.selectors.twins import booked_already
from reservations.services import booking
from reservations.views.finding import found

_WEEKS = 4  # links beside the timetable; every other week has its address too
_PAGE = re.compile(r"[0-9]{1,6}")
_LITTLE_LEFT = timedelta(days=1)  # of a week: most of what is looked for then is in the next one
_USUAL = timedelta(hours=1)  # what a free cell pressed without scripts asks for


@dataclass(frozen=True)
class Link:
    text: str
    label: str
    url: str
    is_current: bool


@never_cache
@guard({"GET": ANYONE, "POST": agreed(SIGNED_IN)})
def book(request: HttpRequest) -> HttpResponse:
    """The timetable with the reader's slot beside it; posting books that slot."""
    if request.method == "POST":
        return _posted(request)
    return _page(request, _asked(request.GET))


@never_cache
@guard(SIGNED_IN)
def book_preview(request: HttpRequest) -> HttpResponse:
    """The panel beside the timetable, for htmx; without scripts the whole page holds the same."""
    at = clock.now()
    projects = list(Project.objects.of(person(request)))
    form = _form(request.GET, projects, at)
    return render(request, "reservations/_preview.html", _previewed(request, form, at))


def _posted(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    form = SlotForm(request.POST, projects=list(Project.objects.of(person(request))), at=at)
    if not form.is_valid():
        return _page(request, request.POST, status=400)
    asked = _slot(form, at)
    try:
        reservation = booking.book(
            project=asked.project,
            devices=[device.uid for device in asked.devices],
            start=asked.start,
            end=asked.end,
            asked_by=person(request),
            at=at,
        )
    except Refused as refusal:
        # A form sent twice: the first has booked it, and only the second's answer is seen.
        if (booked := booked_already(asked=asked, by=person(request))) is not None:
            messages.info(request, _("You have this slot already. It was not booked twice."))
            return redirect(booked)
        page = decision_page(decision=decisions_of(person(request)).get(pk=refusal.decision.pk))
        return render(request, "reservations/decision.html", {"page": page, "is_fresh": True}, status=409)
    except DomainError as error:
        return _page(request, request.POST, status=error.status, problem=error.message)
    nodes = {device.node for device in asked.devices}
    runs = len(confinement.told_of(nodes)) == len(nodes)
    # Where nothing can run yet, the slot's page says so: no promise beside it.
    said = _("Booked. Queue a job now: it starts when the slot does.") if runs else _("Booked.")
    messages.success(request, said)
    return redirect(reservation)


def _page(request: HttpRequest, data: QueryDict, *, status: int = 200, problem: str = "") -> HttpResponse:
    at, zone = clock.now(), ZoneInfo(timezone.get_current_timezone_name())
    projects = list(with_horizon(Project.objects.of(request.user), at=at))
    frame = Frame.named(data.get("week", ""), zone) or _asked_week(data, zone) or _useful(at, zone)
    chosen = set(data.getlist("device"))
    site, model, page = data.get("site", ""), data.get("model", ""), data.get("page", "")
    form = _form(data, projects, at)
    project = form.projects.get(data.get("project", "")) or next(iter(projects), None)
    until = at + horizon_of([project], rules=_rules(at))
    timetable = week(
        frame=frame,
        at=at,
        horizon=until,
        own={project.pk: project.name for project in projects},
        site=site,
        model=model,
        page=int(page) if _PAGE.fullmatch(page) else 1,
        chosen=chosen,
    )
    query = {"site": site, "model": model} | ({"project": project.slug} if project else {})
    context = {
        "timetable": timetable,
        "weeks": _weeks(frame, at, until, zone, query),
        "page_links": _pages(timetable.page, timetable.pages, query | {"week": frame.name}),
        "clear_url": _address(query | {"week": frame.name, "site": "", "model": ""}),
        "site": site,
        "model": model,
        "project": project,
        "own_project": project,
        "may_book": bool(projects),
        "chosen": chosen,
        "problem": problem,
    }
    if projects:
        context |= found(data, project=project, models=timetable.models, by=person(request), at=at)
    return render(request, "reservations/book.html", context | _previewed(request, form, at), status=status)


def _asked_week(data: QueryDict, zone: ZoneInfo) -> Frame | None:
    """The week of the slot that is asked for, where the address names none: a form that was sent back."""
    for name in ("start", "end"):
        try:
            local = datetime.strptime(data.get(name, "")[:10], "%Y-%m-%d")  # noqa: DTZ007  # only its date
        except ValueError:
            continue
        year, week, _day = local.isocalendar()
        return Frame.named(f"{year}-W{week:02}", zone)
    return None


def _useful(at: datetime, zone: ZoneInfo) -> Frame:
    """This week, or the next one once little of this is left to book."""
    frame = Frame.of_moment(at, zone)
    return frame.shifted(1) if frame.end - at < _LITTLE_LEFT else frame


def _rules(at: datetime) -> Rules:
    """Until a policy is published the timetable is drawn under the defaults; booking is refused."""
    try:
        return policies.in_force(at)[1]
    except NoPolicy:
        return Rules()


def _asked(data: QueryDict) -> QueryDict:
    """A free cell pressed without scripts says device and start: ask for an hour from there."""
    uid, found, moment = data.get("pick", "").partition("@")
    if not found:
        return data
    try:
        start = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        local_times = [timezone.localtime(at) for at in (start, start + _USUAL)]
    except (ValueError, OverflowError):
        return data
    asked = data.copy()
    asked.setlist("device", [uid])
    asked.pop("now", None)
    for name, local in zip(("start", "end"), local_times, strict=True):
        asked[name], asked[f"{name}_second"] = f"{local:%Y-%m-%dT%H:%M}", str(local.fold)
    return asked


def _form(data: QueryDict, projects: Sequence[Project], at: datetime) -> SlotForm:
    """Bound once something was chosen: an untouched form has no faults to show."""
    is_asking = any(data.get(name) for name in ("device", "end", "start", "now"))
    initial = {"project": data.get("project", "")}
    return SlotForm(data if is_asking else None, projects=projects, at=at, initial=initial)


def _previewed(request: HttpRequest, form: SlotForm, at: datetime) -> dict[str, Any]:
    """The form with the preview of what it asks for, or with what is wrong in it."""
    if not form.is_bound or not form.projects:
        return {"form": form}
    if not form.is_valid():
        questions = {question.sentence for question in form.questions}
        lines = [str(line) for errors in form.errors.values() for line in errors]
        return {"form": form, "problems": [line for line in lines if line not in questions]}
    try:
        asked = _slot(form, at)
        return {"form": form, "rules_first": _rules_first(request, asked), **_preview(request, asked)}
    except DomainError as error:
        return {"form": form, "problems": [error.message]}


def _rules_first(request: HttpRequest, asked: Asked) -> str:
    """The way to this slot through the house rules; empty where they are accepted."""
    if has_accepted(person(request)):
        return ""
    uids = [str(device.uid) for device in asked.devices]
    slot = slot_url(project=asked.project.slug, devices=uids, start=asked.start, end=asked.end)
    return f"{reverse('welcome')}?{urlencode({'next': slot})}"


def _slot(form: SlotForm, at: datetime) -> Asked:
    filled = form.cleaned_data
    devices = sorted(filled["device"], key=lambda device: (device.node_id, device.index))
    start = None if filled["now"] else filled["start"]
    return Asked(filled["project"], devices, start, filled["end"], at)


def _preview(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    answer = booking.preview(
        project=asked.project,
        devices=[device.uid for device in asked.devices],
        start=asked.start,
        end=asked.end,
        asked_by=person(request),
        at=asked.at,
    )
    offers = () if answer.is_granted else offer_rows(asked=asked, answer=answer)
    return {
        "preview": preview_page(asked=asked, answer=answer, policy=policies.in_force(asked.at)[1]),
        "offers": offers,
        "way": way_through(asked=asked, answer=answer, offers=offers),
    }


def _weeks(frame: Frame, at: datetime, until: datetime, zone: ZoneInfo, query: dict[str, str]) -> list[Link]:
    """The week before, this one and the next ones, as far as something can be booked."""
    first, last = Frame.of_moment(at, zone), Frame.of_moment(until, zone)
    links = []
    if frame.monday > first.shifted(1).monday:
        links.append(_week(frame.shifted(-1), "←", _("Previous week"), frame, query))
    elif frame.monday > first.monday:
        links.append(_week(first, _("This week"), _("This week"), frame, query))
    for number in range(_WEEKS):
        one = frame.shifted(number)
        if number and one.monday > last.monday:
            break
        text = _("This week") if one.monday == first.monday else str(one.number)
        links.append(_week(one, text, text, frame, query))
    return links


def _week(one: Frame, text: str, label: str, shown: Frame, query: dict[str, str]) -> Link:
    return Link(text, label, _address(query | {"week": one.name}), one.name == shown.name)


def _pages(page: int, pages: int, query: dict[str, str]) -> list[Link]:
    names = {page - 1: _("Previous page"), page + 1: _("Next page")}
    return [
        Link(label, label, _address(query | {"page": str(number)}), False)
        for number, label in names.items()
        if 1 <= number <= pages
    ]


def _address(query: dict[str, str]) -> str:
    return "?" + urlencode({name: value for name, value in query.items() if value})
