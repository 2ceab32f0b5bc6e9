"""What others ask: list prices of devices with their data, and the stewards' imports and rates."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock, formats
from common.access import ANYONE, guard
from common.errors import DomainError
from common.evidence.uploads import refused_size
from pricing.forms.as_of import AsOfForm
from pricing.forms.market import MarketImportForm, RateForm
from pricing.models import ExchangeRate, MarketImport
from pricing.selectors.market import data
from pricing.selectors.market.pages import KINDS, DevicePage, device_page, market_page
from pricing.services.market import Imported, enter_rate, import_file
from pricing.views.data import as_of_refused, csv_answer, open_to_all

_SHOWN = 50  # imports on the stewards' page
MOST_UNPACKED = 64_000_000  # of what is handed in while somebody waits


@guard(ANYONE)
def market(request: HttpRequest) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = market_page(at=form.now, as_of=form.asked)
    context = {"page": page, "form": form, "kinds": [str(kind.label) for kind in KINDS]}
    return render(request, "pricing/market.html", context, status=200 if form.is_valid() else 400)


@guard(ANYONE)
def market_json(request: HttpRequest) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    if not form.is_valid():
        return as_of_refused(form)
    return open_to_all(JsonResponse(data.market_json_of(market_page(at=form.now, as_of=form.asked))))


@guard(ANYONE)
def market_csv(request: HttpRequest) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    if not form.is_valid():
        return as_of_refused(form)
    return csv_answer("list-prices.csv", data.offers_csv(market_page(at=form.now, as_of=form.asked).offers))


@guard(ANYONE)
def market_device(request: HttpRequest, key: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    context = {"page": _device(key, form), "form": form}
    return render(request, "pricing/market_device.html", context, status=200 if form.is_valid() else 400)


@guard(ANYONE)
def market_device_json(request: HttpRequest, key: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = _device(key, form)
    return open_to_all(JsonResponse(data.device_json(page))) if form.is_valid() else as_of_refused(form)


@guard(ANYONE)
def market_device_csv(request: HttpRequest, key: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = _device(key, form)
    if not form.is_valid():
        return as_of_refused(form)
    return csv_answer(f"list-prices-{key}.csv", data.offers_csv(page.rows))


def _device(key: str, form: AsOfForm) -> DevicePage:
    page = device_page(key, at=form.now, as_of=form.asked)
    if page is None:
        raise Http404
    return page


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_market(request: HttpRequest) -> HttpResponse:
    """One page with two forms: a file, or one rate that is typed."""
    status, form, rate_form = 200, MarketImportForm(), RateForm()
    if request.method == "POST":
        is_rate = "currency" in request.POST
        if is_rate:
            rate_form = RateForm(request.POST)
        else:
            form = MarketImportForm(request.POST, request.FILES, refused=refused_size(request))
        sent: RateForm | MarketImportForm = rate_form if is_rate else form
        status = 400
        if sent.is_valid():
            try:
                done = _done(request, sent)
            except DomainError as refusal:
                sent.add_error(refusal.field if refusal.field in sent.fields else None, refusal.message)
                status = refusal.status
            else:
                messages.success(request, _told(done))
                return redirect("steward_market")
    context = {
        "form": form,
        "rate_form": rate_form,
        "imports": MarketImport.objects.select_related("by", "entry")[:_SHOWN],
        "last_rate": ExchangeRate.objects.select_related("came_with").order_by("-on", "-pk").first(),
    }
    return render(request, "pricing/steward_market.html", context, status=status)


def _done(request: HttpRequest, sent: RateForm | MarketImportForm) -> Imported:
    who, at = person(request), clock.now()
    if isinstance(sent, RateForm):
        return enter_rate(**sent.said, by=who, at=at)
    return import_file(**sent.said, by=who, at=at, most_unpacked=MOST_UNPACKED)


def _told(done: Imported) -> str:
    if not done.added and not done.changed:
        return _("Nothing is new: all that the file says was known already (rows: %(rows)s).") % {
            "rows": formats.number(done.rows)
        }
    told = _("Imported. Rows added: %(added)s; changed: %(changed)s; in the file: %(rows)s.") % {
        "added": formats.number(done.added),
        "changed": formats.number(done.changed),
        "rows": formats.number(done.rows),
    }
    if done.unmatched:
        names = ", ".join(sorted(done.unmatched)[:10])
        count = done.unmatched.total()
        unmatched = ngettext(
            "%(rows)s row is not matched to a device, such as %(names)s.",
            "%(rows)s rows are not matched to a device, such as %(names)s.",
            count,
        ) % {"rows": formats.number(count), "names": names}
        told = f"{told} {unmatched}"
    return told
