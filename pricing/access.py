"""The rules about an owner's nodes, evidence and pools: members see drafts, leads change and publish."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _, gettext_noop

from accounts.access import LEADS, STEWARD_ACTS, person, row
from accounts.models import Organisation, OrganisationMembership, User
from common.access import NotAllowed, Rule, Verdict, without
from nodes.models import Node
from pricing.models import CostPool, CostStatement, Evidence, PoolDraft
from pricing.selectors.evidence import evidence_told_to

_A, _S, _H = Verdict.ALLOWED, Verdict.SIGN_IN, Verdict.HIDDEN
# In the table the member and the lead belong to other organisations than the node's.
_ROW = row(_S, _H, _H, _H, _A, _H, _H)


def _found(request: HttpRequest, kwargs: dict[str, Any]) -> tuple[Node, str]:
    """The node of that slug, with the role that the person has in its owner: two queries."""
    mine = OrganisationMembership.objects.filter(
        user=person(request), organisation__nodes__slug=kwargs["slug"]
    )
    role = mine.values_list("role", flat=True).first()
    if role is None:
        raise Http404
    return Node.objects.select_related("owner", "site").get(slug=kwargs["slug"]), role


def _member(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    node, _role = _found(request, kwargs)
    return {**without("slug", kwargs), "node": node}


def _lead(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    node, role = _found(request, kwargs)
    if role != OrganisationMembership.Role.LEAD:
        raise NotAllowed(_("Only leads of %(name)s may do this.") % {"name": node.owner})
    return {**without("slug", kwargs), "node": node}


def _settler(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    if not person(request).is_steward:
        return _lead(request, kwargs)
    admitted = STEWARD_ACTS.admit(request, kwargs)
    node = get_object_or_404(Node.objects.select_related("owner", "site"), slug=kwargs["slug"])
    return {**without("slug", admitted), "node": node}


# From `slug` to `node`.
NODE_MEMBER = Rule("node member", gettext_noop("Members of the node’s owner"), _ROW, _member)
NODE_LEAD = Rule("node lead", gettext_noop("Leads of the node’s owner"), _ROW, _lead)
NODE_SETTLER = Rule(
    "node settler",
    gettext_noop("Leads of the node’s owner; stewards with a second factor"),
    row(_S, _H, _H, _H, _A, _H, _A),
    _settler,
)


# --- evidence and pools --------------------------------------------------------------------------------
def _evidence_page(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    known = evidence_told_to(request.user)
    return {**without("uid", kwargs), "evidence": get_object_or_404(known, uid=kwargs["uid"])}


def _evidence_file(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    readable = Evidence.objects.of(request.user)
    return {**without("uid", kwargs), "evidence": get_object_or_404(readable, uid=kwargs["uid"])}


def _evidence_lead(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Whoever belongs to its organisation knows of it; to everybody else it is not there to be changed."""
    user = person(request)
    mine = evidence_told_to(user).filter(organisation__memberships__user=user)
    evidence = get_object_or_404(mine, uid=kwargs["uid"])
    _require_lead(evidence.organisation, user)
    return {**without("uid", kwargs), "evidence": evidence}


def _redactor(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    if not person(request).is_steward:
        return _evidence_lead(request, kwargs)
    admitted = STEWARD_ACTS.admit(request, kwargs)
    return _evidence_page(request, admitted)


def _statement_lead(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    mine = CostStatement.objects.filter(node__owner__memberships__user=person(request))
    statement = get_object_or_404(mine.select_related("node__owner"), uid=kwargs["uid"])
    _require_lead(statement.node.owner, person(request))
    return {**without("uid", kwargs), "statement": statement}


def _pool_lead(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    mine = CostPool.objects.filter(organisation__memberships__user=person(request))
    pool = get_object_or_404(mine.select_related("organisation"), uid=kwargs["uid"])
    _require_lead(pool.organisation, person(request))
    return {**without("uid", kwargs), "pool": pool}


def _draft_lead(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    mine = PoolDraft.objects.filter(organisation__memberships__user=person(request))
    draft = get_object_or_404(mine.select_related("organisation", "corrects__pool"), uid=kwargs["uid"])
    _require_lead(draft.organisation, person(request))
    return {**without("uid", kwargs), "draft": draft}


def _require_lead(organisation: Organisation, user: User) -> None:
    led = OrganisationMembership.objects.filter(organisation=organisation, user=user)
    if not led.filter(role=OrganisationMembership.Role.LEAD).exists():
        raise NotAllowed(_("Only leads of %(name)s may do this.") % {"name": organisation})


# From `uid` to `evidence`. In the table it stands behind a statement of the node, whose funder is the
# funder's and the lead's, and is for funders.
EVIDENCE_PAGE = Rule(
    "evidence page",
    gettext_noop("Everybody, once it stands behind something published; before, its owner and stewards"),
    row(_A, _A, _A, _A, _A, _A, _A),
    _evidence_page,
)
EVIDENCE_FILE = Rule(
    "evidence file",
    gettext_noop("Whom its owner lets read it: everybody, or leads of funders of the node; and stewards"),
    row(_H, _H, _H, _A, _A, _A, _A),
    _evidence_file,
)
EVIDENCE_LEAD = Rule(
    "evidence lead", gettext_noop("Leads of the organisation whose evidence it is"), _ROW, _evidence_lead
)
REDACTOR = Rule(
    "redactor",
    gettext_noop("Leads of the organisation whose evidence it is; stewards with a second factor"),
    row(_S, _H, _H, _H, _A, _H, _A),
    _redactor,
)
# From `uid` to `statement`, `pool`, `draft`.
STATEMENT_LEAD = Rule(
    "statement lead", gettext_noop("Leads of the owner of the statement’s node"), _ROW, _statement_lead
)
POOL_LEAD = Rule("pool lead", gettext_noop("Leads of the pool’s owner"), LEADS, _pool_lead)
POOL_DRAFT_LEAD = Rule(
    "pool draft lead", gettext_noop("Leads of the organisation that drafts it"), LEADS, _draft_lead
)


def is_lead_of(node: Node, user: User) -> bool:
    leads = OrganisationMembership.objects.filter(role=OrganisationMembership.Role.LEAD)
    return leads.filter(organisation=node.owner_id, user=user).exists()


def judges(node: Node, user: User) -> bool:
    """Whether they act as a steward: nobody who belongs to the node's owner judges in their own cause."""
    theirs = OrganisationMembership.objects.filter(organisation=node.owner_id, user=user)
    return user.is_steward and not theirs.exists()
