"""Listing a node: a name and a place, the agent that joins it, and what is in the machine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import ORGANISATION_LEAD, agreed, person
from accounts.models import Organisation
from common import clock
from common.access import guard
from common.errors import DomainError
from nodes.domain.proposal import proposal_of
from nodes.models import Agent, Node
from nodes.services import enrolment, listing
from pricing.access import NODE_LEAD, NODE_MEMBER, is_lead_of
from reservations.forms.operating import MachineForm, NodeForm, RevokeForm
from reservations.selectors import enlisting as selectors


@never_cache
@guard({"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)})
def node_new(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """The first step: what it is called and where it stands. It is a draft until its devices are known."""
    form = NodeForm(request.POST if request.method == "POST" else None, sites=selectors.sites(organisation))
    form.initial = {"site": selectors.usual_site(organisation)}
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            node = _enter(form, organisation, request)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = refusal.status
        else:
            return redirect("node_agent", node.slug)
    context = {"form": form, "organisation": organisation, "steps": selectors.steps_of(None, None)}
    return render(request, "nodes/new.html", context, status=status)


@transaction.atomic
def _enter(form: NodeForm, organisation: Organisation, request: HttpRequest) -> Node:
    """The place and the node, or neither."""
    said = form.cleaned_data
    site = form.sites.get(said["site"]) or listing.enter_site(
        slug=selectors.free_address(said["site_name"]), name=said["site_name"],
        country=said["country"], electricity_zone=said["electricity_zone"], time_zone=said["time_zone"],
        pue=said["pue"],
    )  # fmt: skip
    return listing.draft_node(
        slug=said["slug"], name=said["name"], owner=organisation, site=site, by=person(request),
        at=clock.now(),
    )  # fmt: skip


# --- the agent -----------------------------------------------------------------------------------------
@never_cache
@guard({"GET": NODE_MEMBER, "POST": agreed(NODE_LEAD)})
def node_agent(request: HttpRequest, node: Node) -> HttpResponse:
    """POST makes a one-time token and shows the command that uses it, once."""
    if request.method != "POST":
        return _agent(request, node)
    token = enrolment.issue_token(node=node, by=person(request), at=clock.now())
    command = (
        f"EQUINODE_TOKEN={token} equinode-agent enrol --site {settings.SITE_ORIGIN}"
        f" --fingerprint {selectors.site_fingerprint()}"
    )
    return _agent(request, node, command=command)


def _agent(request: HttpRequest, node: Node, *, status: int = 200, **context: Any) -> HttpResponse:
    agent = selectors.agent_state(node=node, at=clock.now())
    shown = {
        "node": node, "agent": agent, "is_lead": is_lead_of(node, person(request)),
        "site_fingerprint": selectors.site_fingerprint(), "site_origin": settings.SITE_ORIGIN,
        "steps": selectors.steps_of(node, agent), "form": RevokeForm(), "lives": enrolment.TOKEN_LIVES,
        **context,
    }  # fmt: skip
    return render(request, "nodes/agent.html", shown, status=status)


@never_cache
@guard(NODE_MEMBER)
def node_agent_state(request: HttpRequest, node: Node) -> HttpResponse:
    """Whether the agent has come: asked for again every few seconds."""
    agent = selectors.agent_state(node=node, at=clock.now())
    return render(request, "nodes/_agent_state.html", {"node": node, "agent": agent})


@guard({"POST": agreed(NODE_LEAD)})
def node_agent_revoke(request: HttpRequest, node: Node) -> HttpResponse:
    form = RevokeForm(request.POST)
    if not form.is_valid():
        return _agent(request, node, status=400, form=form)
    try:
        enrolment.revoke_for_owner(
            node=node, reason=form.cleaned_data["reason"], by=person(request), at=clock.now()
        )
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return _agent(request, node, status=refusal.status, form=form)
    messages.success(request, _("The agent is shut out. Its key can never be used here again."))
    return redirect("node_agent", node.slug)


# --- the machine ---------------------------------------------------------------------------------------
@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def node_machine(request: HttpRequest, node: Node) -> HttpResponse:
    """What is in it, filled in with what the agent found; POST lists the node."""
    found = Agent.objects.filter(node=node, revoked_at=None).first()
    proposal = proposal_of(found.inventory) if found is not None else None
    form = MachineForm(request.POST if request.method == "POST" else None, proposal=proposal)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            listing.list_node(node=node, machine=form.machine, by=person(request), at=clock.now())
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = refusal.status
        else:
            messages.success(
                request,
                _("%(node)s is listed. Now what it costs: then people can book.") % {"node": node.name},
            )
            return redirect("node_statements", node.slug)
    agent = selectors.agent_state(node=node, at=clock.now())
    context = {
        "form": form, "node": node, "is_found": found is not None, "proposal": proposal,
        "steps": selectors.steps_of(node, agent),
    }  # fmt: skip
    return render(request, "nodes/machine.html", context, status=status)


@guard({"POST": agreed(NODE_LEAD)})
def node_discard(request: HttpRequest, node: Node) -> HttpResponse:
    """Of a draft: nobody but its owner has seen it."""
    try:
        listing.discard_draft(node=node, at=clock.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("node_operate", node.slug)
    messages.success(request, _("The draft is discarded."))
    return redirect("owner")
