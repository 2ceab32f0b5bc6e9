"""An owner's statements and prices: the last look, publishing, correcting, ending, the price."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, agreed, person
from common import clock, formats
from common.access import guard
from common.errors import DomainError
from nodes.models import Node
from pricing.access import NODE_LEAD, NODE_MEMBER, is_lead_of
from pricing.domain.declared import plain
from pricing.errors import DraftGone, DraftOpen
from pricing.forms.publishing import CorrectForm, PriceForm, PublishForm, WithdrawForm
from pricing.forms.statements import Step
from pricing.forms.statements.review import review, trail
from pricing.models import CostStatement, StatementDraft
from pricing.selectors.drafts import effect
from pricing.selectors.flags import flags_of_draft
from pricing.selectors.owner import owner_page, statements_page, tariff_page, withdrawal_page
from pricing.selectors.wizard import draft_of
from pricing.services import drafts, tariffs
from pricing.services.withdrawing import withdraw_statement
from pricing.views.drafts import to_step, version_of


@never_cache
@guard(SIGNED_IN)
def owner(request: HttpRequest) -> HttpResponse:
    """The owner's first page: every node of one's organisations, and what it still needs."""
    page = owner_page(user=person(request), at=clock.now())
    return render(request, "pricing/owner.html", {"page": page})


@never_cache
@guard(NODE_MEMBER)
def node_statements(request: HttpRequest, node: Node) -> HttpResponse:
    is_lead = is_lead_of(node, person(request))
    page = statements_page(node=node, is_lead=is_lead, at=clock.now())
    return render(request, "pricing/statements.html", {"page": page, "node": node})


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def draft_review(request: HttpRequest, node: Node) -> HttpResponse:
    """Everything once more, what looks odd, what changes; POST publishes."""
    found = draft_of(node)
    if request.method == "POST":
        return _publish(request, node, found)
    if found is None:
        return redirect("node_statements", node.slug)
    at = clock.now()
    form = PublishForm(node=node, at=at, corrects=found.corrects_id is not None)
    day = max(found.first_day or form.today, form.today)
    form.initial = {"first_day": day, "reason": found.reason}
    return _reviewed(request, node, found, form, moment=form.at if day == form.today else form.midnight(day))


def _publish(request: HttpRequest, node: Node, found: StatementDraft | None) -> HttpResponse:
    if request.POST.get("go") in list(Step):
        return to_step(node, Step(request.POST["go"]))
    at, corrects = clock.now(), bool(found and found.corrects_id)
    form = PublishForm(request.POST, node=node, at=at, corrects=corrects)
    is_valid = form.is_valid()
    if "look" in request.POST and "first_day" in form.cleaned_data:
        return _look(request, node, form)
    if not is_valid:
        return _reviewed(request, node, found, form, moment=form.moment, status=400)
    try:
        statement = drafts.publish_draft(
            node=node, version=version_of(request.POST), effective_from=form.moment,
            effective_until=form.until, by=person(request), at=at, reason=form.cleaned_data.get("reason"),
        )  # fmt: skip
    except DraftGone as refusal:
        messages.warning(request, refusal.message)
        return redirect("node_statements", node.slug)
    except DomainError as refusal:
        form.refuse(refusal.field, refusal.message)
        return _reviewed(request, node, draft_of(node), form, moment=form.moment, status=refusal.status)
    messages.success(
        request, _("Statement %(number)d is published. Now its price.") % {"number": statement.number}
    )
    return redirect("tariff_new", node.slug)


def _look(request: HttpRequest, node: Node, form: PublishForm) -> HttpResponse:
    """Every step counts for the day from then on: ages, warranties, shares of pools."""
    day = form.cleaned_data["first_day"]
    try:
        drafts.choose_day(
            node=node, first_day=day, version=version_of(request.POST), by=person(request), at=form.at
        )
    except DraftGone as refusal:
        messages.warning(request, refusal.message)
        return redirect("node_statements", node.slug)
    except DomainError as refusal:
        form.refuse(refusal.field, refusal.message)
        return _reviewed(request, node, draft_of(node), form, moment=form.moment, status=refusal.status)
    return redirect("draft_review", node.slug)


def _reviewed(
    request: HttpRequest,
    node: Node,
    found: StatementDraft | None,
    form: PublishForm,
    *,
    moment: datetime,
    status: int = 200,
) -> HttpResponse:
    """As of the moment from which it would be in force."""
    if found is None:
        messages.warning(request, _("There is no draft any more."))
        return redirect("node_statements", node.slug)
    seen = effect(node=node, declared=found.declared, at=moment)
    context = {
        "page": review(draft=found, effect=seen, begins=moment), "effect": seen, "form": form,
        "draft": found, "node": node,
        "trail": trail(found, Step.REVIEW, seen.faults), "step": Step.REVIEW,
        "files": found.evidence.select_related("evidence"),
        "flags": flags_of_draft(seen.reading, node=node, devices=seen.devices, at=form.at),
    }  # fmt: skip
    return render(request, "pricing/draft_review.html", context, status=status)


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def draft_discard(request: HttpRequest, node: Node) -> HttpResponse:
    """What goes is told before it goes."""
    found, problem, status = draft_of(node), "", 200
    if found is None:
        return redirect("node_statements", node.slug)
    if request.method == "POST":
        try:
            drafts.discard_draft(node=node, version=version_of(request.POST))
        except DomainError as refusal:
            problem, status = refusal.message, refusal.status
        else:
            messages.success(request, _("The draft is discarded."))
            return redirect("node_statements", node.slug)
    context = {"draft": found, "node": node, "problem": problem}
    return render(request, "pricing/draft_discard.html", context, status=status)


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def statement_correct(request: HttpRequest, node: Node, number: int) -> HttpResponse:
    """Begin the draft of a successor that says what was wrong."""
    statement = get_object_or_404(CostStatement, node=node, number=number)
    form = CorrectForm(request.POST if request.method == "POST" else None)
    status, is_open = 200 if not form.is_bound else 400, False
    if form.is_bound and form.is_valid():
        try:
            drafts.start_draft(
                node=node, corrects=statement, reason=form.cleaned_data["reason"], by=person(request),
                at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status, is_open = refusal.status, isinstance(refusal, DraftOpen)
        else:
            return redirect("draft_step", node.slug, Step.PURCHASE)
    context = {"form": form, "statement": statement, "node": node, "is_open": is_open}
    return render(request, "pricing/statement_correct.html", context, status=status)


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def statement_withdraw(request: HttpRequest, node: Node, number: int) -> HttpResponse:
    """What ending it means for the price and for booked slots is told before it is done."""
    statement = get_object_or_404(CostStatement.objects.select_related("node"), node=node, number=number)
    at = clock.now()
    page = withdrawal_page(statement=statement, at=at)
    posted = request.POST if request.method == "POST" else None
    form = WithdrawForm(posted, node=node, at=at, is_announced=page.is_announced)
    form.initial = {"first_day": form.today}
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            withdraw_statement(
                statement=statement, ends_at=form.moment, reason=form.cleaned_data["reason"],
                by=person(request), at=at,
            )  # fmt: skip
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message)
            status = refusal.status
        else:
            said = {"number": number, "when": formats.moment_with_year(form.moment)}
            done = (
                _("Statement %(number)d is called off.")
                if page.is_announced
                else _("Statement %(number)d ends on %(when)s.")
            )
            messages.success(request, done % said)
            return redirect("node_statements", node.slug)
    context = {"form": form, "page": page, "node": node}
    return render(request, "pricing/statement_withdraw.html", context, status=status)


@never_cache
@guard({"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)})
def tariff_new(request: HttpRequest, node: Node) -> HttpResponse:
    """The price that follows from the statement, a lower one, or a higher one within the cap."""
    at = clock.now()
    form = PriceForm(request.POST if request.method == "POST" else None, node=node, at=at)
    is_valid = form.is_bound and form.is_valid()
    page = tariff_page(node=node, at=at, since=form.moment if form.is_bound else None)
    form.initial = {
        "first_day": page.begins.astimezone(form.zone).date(),
        "price": formats.number(plain(page.proposed)) if page.proposed is not None else "",
    }
    is_look = "look" in request.POST  # what would follow on that day; nothing is published
    status = 400 if form.is_bound and not is_look else 200
    if is_valid and not is_look:
        try:
            tariff = tariffs.set_price(
                node=node, price=form.cleaned_data["price"], effective_from=form.moment,
                by=person(request), at=at,
            )  # fmt: skip
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message)
            status = refusal.status
        else:
            said = {
                "price": formats.money(tariff.price, 4),
                "when": formats.moment_with_year(tariff.effective_from),
            }
            messages.success(request, _("A device-hour costs %(price)s from %(when)s on.") % said)
            if tariff.exception is not None and tariff.effective_until is not None:
                ends = {"when": formats.moment_with_year(tariff.effective_until)}
                messages.info(
                    request, _("It is above the cap and ends with the exception, on %(when)s.") % ends
                )
            # What is announced stands there with what takes it back; the public page has the price of now.
            return redirect("node_statements" if tariff.effective_from > at else "node", node.slug)
    context = {"form": form, "page": page, "node": node}
    return render(request, "pricing/tariff_new.html", context, status=status)
