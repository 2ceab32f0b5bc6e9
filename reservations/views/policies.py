"""The policy: what everybody reads, with its twins, and what stewards draft, publish and call off."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock
from common.access import ANYONE, guard
from common.errors import DomainError
from reservations.errors import NoPolicy
from reservations.forms.policies import CallOffForm, PolicyForm, PublishForm
from reservations.models import Policy, PolicyDraft
from reservations.selectors import open_data, policy_drafts as selectors
from reservations.selectors.policies import announced
from reservations.selectors.policy_page import PolicyPage, policy_page
from reservations.selectors.policy_schema import policy_schema
from reservations.services import policy as services, policy_drafts as drafts


@guard(ANYONE)
def policy(request: HttpRequest) -> HttpResponse:
    """The rules in force; with `?as_of=` those that were or will be."""
    at, as_of = clock.now(), _as_of(request)
    try:
        page = policy_page(at=at, as_of=as_of)
    except NoPolicy:
        return render(request, "reservations/policy.html", {"page": None, "as_of": as_of})
    return render(request, "reservations/policy.html", {"page": page, "as_of": as_of})


@guard(ANYONE)
def policy_version(request: HttpRequest, number: int) -> HttpResponse:
    return render(request, "reservations/policy.html", {"page": _numbered(number), "as_of": None})


@guard(ANYONE)
def policy_twin(request: HttpRequest) -> HttpResponse:
    try:
        page = policy_page(at=clock.now(), as_of=_as_of(request))
    except NoPolicy:
        return _open(JsonResponse({"policy": None}, status=404))
    return _open(JsonResponse(open_data.policy_json(page.version)))


@guard(ANYONE)
def policy_version_twin(request: HttpRequest, number: int) -> HttpResponse:
    return _open(JsonResponse(open_data.policy_json(_numbered(number).version)))


@guard(ANYONE)
def policy_schema_json(request: HttpRequest) -> HttpResponse:
    """What the twins keep to."""
    response = JsonResponse(policy_schema(request.build_absolute_uri(request.path)))
    response.headers["Content-Type"] = "application/schema+json"
    return _open(response)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_policy(request: HttpRequest) -> HttpResponse:
    """What is in force and announced, and the drafts; POST begins one."""
    if request.method == "POST":
        return redirect(drafts.start_draft(by=person(request), at=clock.now()))
    try:
        page = policy_page(at=clock.now())
    except NoPolicy:
        page = None
    context = {"page": page, "drafts": selectors.drafts(), "own_project": None}
    return render(request, "reservations/steward_policy.html", context)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_policy_draft(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The editor; POST keeps what is written, and goes on to the differences where nothing is wrong."""
    draft = _draft(uid)
    page = selectors.draft_page(draft)
    form, problem, status = PolicyForm.showing(page.rules, draft.revision, page.found), "", 200
    if request.method == "POST":
        form, status = PolicyForm(request.POST), 400
        if form.is_valid():
            try:
                draft = drafts.change_draft(
                    draft=draft, rules=form.policy(), revision=form.cleaned_data["revision"],
                    by=person(request), at=clock.now(),
                )  # fmt: skip
            except DomainError as refusal:
                problem, status = refusal.message, 409
            else:
                page = selectors.draft_page(draft)
                if page.is_sound:
                    return redirect("steward_policy_review", draft.uid)
                problem = _(
                    "The draft is kept, and cannot be published yet: what is wrong stands at its fields."
                )
                form = PolicyForm({**request.POST.dict(), "revision": draft.revision})
                form.tell(page.found)
        else:
            form.tell_of_what_is_read(otherwise=page.rules)
    context = {
        "page": page, "form": form, "problem": problem, "groups": selectors.editor_rows(form, page),
        "own_project": None, "is_unread": status == 400 and not problem,
    }  # fmt: skip
    return render(request, "reservations/steward_policy_draft.html", context, status=status)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_policy_review(request: HttpRequest, uid: UUID) -> HttpResponse:
    """What the draft would change; POST publishes it, now or for a day to come."""
    at, draft = clock.now(), _draft(uid)
    page = selectors.draft_page(draft)
    shown = {"follows": page.last.version if page.last else None, "revision": draft.revision}
    form, problem, status = PublishForm(initial=shown, at=at), "", 200
    if request.method == "POST":
        form, status = PublishForm(request.POST, at=at), 400
        if form.is_valid():
            try:
                published = drafts.publish_draft(draft=draft, by=person(request), at=at, **form.cleaned_data)
            except DomainError as refusal:
                status = refusal.status
                if refusal.field in form.fields:
                    form.refuse(refusal.field, refusal.message)
                else:
                    problem = refusal.message
            else:
                messages.success(request, _told(published, at))
                return redirect(published)
    context = {
        "page": page, "form": form, "problem": problem, "announced": announced(at), "own_project": None,
    }  # fmt: skip
    return render(request, "reservations/steward_policy_review.html", context, status=status)


@never_cache
@guard({"POST": STEWARD_ACTS})
def steward_policy_discard(request: HttpRequest, uid: UUID) -> HttpResponse:
    drafts.discard_draft(draft=_draft(uid), by=person(request))
    messages.success(request, _("The draft is discarded."))
    return redirect("steward_policy")


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_policy_call_off(request: HttpRequest, number: int) -> HttpResponse:
    """One that is announced; POST calls it off, with the reason."""
    found, at = get_object_or_404(Policy, version=number), clock.now()
    form, problem, status = CallOffForm(request.POST or None), "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                services.call_off_policy(
                    policy=found, reason=form.cleaned_data["reason"], by=person(request), at=at
                )
            except DomainError as refusal:
                problem, status = refusal.message, refusal.status
            else:
                messages.success(request, _("Called off. The policy in force goes on."))
                return redirect("steward_policy")
    context = {"page": _numbered(number), "form": form, "problem": problem, "own_project": None}
    return render(request, "reservations/steward_policy_call_off.html", context, status=status)


def _told(published: Policy, at: datetime) -> str:
    said = {"number": published.version}
    if published.begins > at:
        return _("Version %(number)d is announced. Until it begins it can be called off.") % said
    return _("Version %(number)d of the policy is in force.") % said


def _draft(uid: UUID) -> PolicyDraft:
    return get_object_or_404(PolicyDraft.objects.select_related("based_on", "changed_by"), uid=uid)


def _numbered(number: int) -> PolicyPage:
    try:
        return policy_page(at=clock.now(), number=number)
    except NoPolicy as exc:
        raise Http404 from exc


def _as_of(request: HttpRequest) -> datetime | None:
    """A day, from its beginning in UTC, or a moment; what is neither is as if nothing was asked."""
    text = request.GET.get("as_of", "")[:40]
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        return None


def _open(response: HttpResponse) -> HttpResponse:
    """Open data: anybody's page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
