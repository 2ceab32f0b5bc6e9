"""What a node is, publicly: listed against found, checks, measured speed; settling what differs."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import agreed, person
from common import clock
from common.access import ANYONE, guard
from common.errors import DomainError
from nodes.models import Node, NodeCheck
from nodes.services import checking, comparing
from pricing.access import NODE_SETTLER, judges
from pricing.forms.conformance import SettleForm
from pricing.selectors.conformance import ConformancePage, conformance_page, shown_node
from pricing.selectors.conformance_data import conformance_json
from pricing.views.data import open_to_all


@guard(ANYONE)
def node_conformance(request: HttpRequest, slug: str) -> HttpResponse:
    return render(request, "pricing/conformance.html", {"page": _page(request, slug)})


@guard(ANYONE)
def node_conformance_json(request: HttpRequest, slug: str) -> HttpResponse:
    page = _page(request, slug)
    return open_to_all(JsonResponse(conformance_json(page, at=clock.now())))


@never_cache
@guard({"GET": NODE_SETTLER, "POST": agreed(NODE_SETTLER)})
def node_settle(request: HttpRequest, node: Node) -> HttpResponse:
    """What differs is read before it is settled."""
    page = conformance_page(node, at=clock.now(), reader=person(request))
    if page.inventory is None or not page.is_open:
        messages.info(request, _("Nothing is open there: the machine is what is listed, or it is settled."))
        return redirect("node_conformance", node.slug)
    form = SettleForm(
        request.POST if request.method == "POST" else None, initial={"inventory": page.inventory.uid}
    )
    if form.is_bound and form.is_valid() and _settled(request, node, form):
        messages.success(request, _("Settled. Your reason is on its way to the public ledger."))
        return redirect("node_conformance", node.slug)
    status = 400 if form.is_bound else 200
    return render(request, "pricing/conformance_settle.html", {"page": page, "form": form}, status=status)


def _settled(request: HttpRequest, node: Node, form: SettleForm) -> bool:
    by = person(request)
    inventory = node.inventories.filter(uid=form.cleaned_data["inventory"]).first()
    if inventory is None:
        form.refuse("", _("The agent has told another inventory since. Look again."))
        return False
    try:
        comparing.settle(inventory=inventory, by=by, is_steward=judges(node, by), at=clock.now(), **form.told)
    except DomainError as refusal:
        form.refuse(refusal.field, refusal.message)
        return False
    return True


@guard({"GET": NODE_SETTLER, "POST": agreed(NODE_SETTLER)})
def node_check(request: HttpRequest, node: Node) -> HttpResponse:
    if request.method == "GET":  # who signed in on the way
        return redirect("node_conformance", node.slug)
    try:
        checking.ask(node=node, purpose=NodeCheck.Purpose.CONFORMANCE, by=person(request), at=clock.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("It is checked as soon as nobody has its devices for ten minutes."))
    return redirect("node_conformance", node.slug)


def _page(request: HttpRequest, slug: str) -> ConformancePage:
    node = shown_node(slug)
    if node is None:
        raise Http404
    reader = request.user if request.user.is_authenticated else None
    return conformance_page(node, at=clock.now(), reader=reader)
