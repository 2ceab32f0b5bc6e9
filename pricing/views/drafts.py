"""The wizard: a cost statement from what was bought to its publication, saved at every step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import agreed, person
from common import clock
from common.access import guard
from common.errors import DomainError
from nodes.models import Node
from pricing.access import NODE_LEAD
from pricing.errors import DraftChanged, DraftGone
from pricing.forms.statements import ASKED, Offered, Step, StepForm, texts_of
from pricing.forms.statements.attaching import AttachForm
from pricing.forms.statements.review import trail
from pricing.models import StatementDraft
from pricing.selectors.drafts import Effect, effect, power_sentence
from pricing.selectors.pools import pool_parts
from pricing.selectors.wizard import day_ahead_of, draft_of, moment_of
from pricing.services import drafts, evidence

_ASKED_STEPS = list(ASKED)


@guard({"POST": agreed(NODE_LEAD)})
def draft_start(request: HttpRequest, node: Node) -> HttpResponse:
    """Begin a draft, or go on with the one that is open."""
    draft = drafts.start_draft(node=node, by=person(request), at=clock.now())
    return to_step(node, _first_open(draft))


@never_cache
@guard(NODE_LEAD)
def draft(request: HttpRequest, node: Node) -> HttpResponse:
    """Where the draft was left."""
    found = draft_of(node)
    if found is None:
        return redirect("node_statements", node.slug)
    return to_step(node, _first_open(found))


def _offered(node: Node, step: Step, at: datetime) -> Offered:
    """What the step can take over from what others published."""
    if step is Step.HOSTING:
        return Offered(pools=pool_parts(node=node, at=at))
    return (
        Offered(day_ahead=day_ahead_of(zone=node.site.electricity_zone)) if step is Step.POWER else Offered()
    )


def _first_open(found: StatementDraft) -> Step:
    return next((step for step in _ASKED_STEPS if step not in found.steps_saved), Step.REVIEW)


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def draft_step(request: HttpRequest, node: Node, step: str) -> HttpResponse:
    """A step's form. Whatever is sent is saved first, and then told what is wrong with it."""
    asked = _step(step)
    if request.method == "POST":
        return _save(request, node, asked)
    found = draft_of(node)
    if found is None:
        return redirect("node_statements", node.slug)
    at = moment_of(found, node, clock.now())
    available = _offered(node, asked, at)
    is_saved = asked in found.steps_saved
    texts = texts_of(asked, found.declared, is_saved=is_saved, offered=available)
    form = StepForm(asked, texts, is_checked=is_saved, offered=available)
    seen = effect(node=node, declared=found.declared, at=at)
    if is_saved:
        form.refuse(seen.faults)
    return _shown(request, form, seen, found, AttachForm(node=node, step=asked))


def _step(name: str) -> Step:
    """One that asks something; the review has an address of its own."""
    if name not in ASKED:
        raise Http404
    return Step(name)


def _save(request: HttpRequest, node: Node, step: Step) -> HttpResponse:
    at, by, posted = clock.now(), person(request), request.POST
    before = draft_of(node)
    since = moment_of(before, node, at)
    available = _offered(node, step, since)
    form = StepForm(step, _texts(posted), is_checked=True, offered=available)
    attaching = AttachForm(posted, request.FILES, node=node, step=step)
    version = version_of(posted)
    if before is None and "again" in posted:  # published or discarded meanwhile: into a new one
        before = drafts.start_draft(node=node, by=by, at=at)
        version = before.version
    add, remove = posted.get("add", ""), posted.get("remove", "")
    members = form.members(before.declared if before else {}, add=add, remove=remove)
    try:
        found = drafts.save_draft(node=node, members=members, version=version, by=by, at=at, step=step)
        found = _attach(attaching, node, posted, request) or found
    except (DraftChanged, DraftGone) as refusal:
        seen = effect(node=node, declared=_merged(before, members), at=since)
        return _shown(request, form, seen, before, attaching, refusal=refusal)
    except DomainError as refusal:
        attaching.refuse(refusal.field, refusal.message)
        seen = effect(node=node, declared=_merged(before, members), at=since)
        return _shown(request, form, seen, draft_of(node), attaching, status=refusal.status)
    return _answered(request, form, found, attaching, members)


def _answered(
    request: HttpRequest,
    form: StepForm,
    found: StatementDraft,
    attaching: AttachForm,
    members: Mapping[str, Any],
) -> HttpResponse:
    """Where the button leads; on with the next step only where nothing is wrong with this one."""
    posted, node = request.POST, found.node
    since = moment_of(found, node, clock.now())
    if attaching.has_errors:
        seen = effect(node=node, declared=found.declared, at=since)
        return _shown(request, form, seen, found, attaching, status=400)
    for name, place in (("add", "rows"), ("remove", "rows"), ("attach", "evidence"), ("drop", "evidence")):
        if posted.get(name):
            target = posted[name] if name == "add" else place
            return redirect(f"/nodes/{node.slug}/statements/draft/{form.step}/#{target}")
    if posted.get("go") in list(Step):
        return to_step(node, Step(posted["go"]))
    seen = effect(node=node, declared=found.declared, at=since)
    form.refuse(seen.faults)
    if form.has_errors:
        return _shown(request, form, seen, found, attaching, status=400)
    if "next" not in posted:
        messages.success(request, _("Saved."))
        return redirect("draft_step", node.slug, form.step)
    return to_step(node, _after(form.step))


def _attach(
    form: AttachForm, node: Node, posted: Mapping[str, str], request: HttpRequest
) -> StatementDraft | None:
    """Put a file behind a part of the draft, or take one away; what was typed has been saved before."""
    by, at = person(request), clock.now()
    if (drop := posted.get("drop", "")).isdecimal():
        return drafts.drop_evidence(node=node, pk=int(drop[:18]), version=None, by=by, at=at)
    if not form.is_asked or not form.is_valid():
        return None
    asked = form.cleaned_data
    file = asked["known"] or evidence.add_evidence(
        organisation=node.owner, title=asked["title"], file=asked["file"], visibility=asked["visibility"],
        by=by, at=at,
    )  # fmt: skip
    return drafts.add_evidence(node=node, part=asked["part"], evidence=file, version=None, by=by, at=at)


@guard({"POST": NODE_LEAD})
def draft_effect(request: HttpRequest, node: Node, step: str) -> HttpResponse:
    """What the step comes to as it stands in the form, while somebody types; nothing is saved."""
    asked = _step(step)
    found = draft_of(node)
    at = moment_of(found, node, clock.now())
    form = StepForm(asked, _texts(request.POST), is_checked=True, offered=_offered(node, asked, at))
    body = found.declared if found else {}
    seen = effect(node=node, declared={**body, **form.members(body)}, at=at)
    return render(request, "pricing/_effect.html", {"effect": seen, "step": asked, "draft": found})


def _shown(
    request: HttpRequest,
    form: StepForm,
    seen: Effect,
    found: StatementDraft | None,
    attaching: AttachForm,
    *,
    refusal: DraftChanged | DraftGone | None = None,
    status: int = 200,
) -> HttpResponse:
    node = seen.node
    # Whoever sends again has read that somebody else saved meanwhile.
    version = refusal.details.get("version") if refusal else found.version if found else ""
    context = {
        "form": form, "effect": seen, "draft": found, "node": node, "step": form.step, "asked": form.asked,
        "attaching": attaching, "refusal": refusal, "is_gone": isinstance(refusal, DraftGone),
        "version": version or "", "trail": trail(found, form.step, seen.faults),
        "number": _ASKED_STEPS.index(form.step) + 1, "before": _before(form.step),
        "power": power_sentence(node, seen.devices) if form.step is Step.POWER else "",
        "files": [file for file in found.evidence.select_related("evidence") if file.part in attaching.parts]
        if found else [],
    }  # fmt: skip
    return render(request, "pricing/draft_step.html", context, status=refusal.status if refusal else status)


def to_step(node: Node, step: Step) -> HttpResponse:
    if step is Step.REVIEW:
        return redirect("draft_review", node.slug)
    return redirect("draft_step", node.slug, step)


def _after(step: Step) -> Step:
    return list(Step)[list(Step).index(step) + 1]


def _before(step: Step) -> Step | None:
    at = list(Step).index(step)
    return list(Step)[at - 1] if at else None


def _merged(found: StatementDraft | None, members: Mapping[str, Any]) -> dict[str, Any]:
    return {**(found.declared if found else {}), **members}


def _texts(posted: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(posted[name]) for name in posted}


def version_of(posted: Mapping[str, str]) -> int | None:
    """The version that the form was filled in on. A form without one has lost it: nothing is overwritten."""
    text = posted.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1
