"""The rules about an owner's nodes: members of the owner see what is not published yet, leads change it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _, gettext_noop

from accounts.access import person, row
from accounts.models import OrganisationMembership
from common.access import NotAllowed, Rule, Verdict, without
from nodes.models import Node

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


# From `slug` to `node`.
NODE_MEMBER = Rule("node member", gettext_noop("Members of the node’s owner"), _ROW, _member)
NODE_LEAD = Rule("node lead", gettext_noop("Leads of the node’s owner"), _ROW, _lead)
