"""An announced price, taken back before it begins."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import agreed, person
from common import clock
from common.access import guard
from common.errors import DomainError
from nodes.models import Node
from pricing.access import NODE_LEAD
from pricing.forms.publishing import CallOffForm
from pricing.models import Tariff
from pricing.selectors.owner import call_off_page
from pricing.services.calling_off import call_off_tariff


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def tariff_call_off(request: HttpRequest, node: Node, number: int) -> HttpResponse:
    """Which price goes on instead is told before it is done."""
    tariff = get_object_or_404(Tariff.objects.select_related("node"), node=node, number=number)
    at = clock.now()
    form = CallOffForm(request.POST if request.method == "POST" else None)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            call_off_tariff(tariff=tariff, reason=form.cleaned_data["reason"], by=person(request), at=at)
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = refusal.status
        else:
            messages.success(request, _("Tariff %(number)d is called off.") % {"number": number})
            return redirect("node_statements", node.slug)
    context = {"form": form, "page": call_off_page(tariff=tariff, at=at), "node": node}
    return render(request, "pricing/tariff_call_off.html", context, status=status)
