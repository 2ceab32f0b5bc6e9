"""What a slot would cost and change, before anybody books it: the engine's answer in a reader's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.models import Project
from common import formats
from nodes.models import Device, Node
from pricing.domain.cost import split
from pricing.selectors import Rate, WaterfallStep, rates, waterfalls
from reservations import wording
from reservations.domain import slots
from reservations.domain.decision import Answer, Payment, Quote
from reservations.domain.policy import Policy as Rules
from reservations.domain.rules import IDLE
from reservations.selectors import confinement
from reservations.selectors.budgets import left_now
from reservations.selectors.carbon import carbon_told, expected_carbon
from reservations.selectors.fleets import fleet
from reservations.selectors.level_path import place_after_booking
from reservations.selectors.levels import Level, change
from reservations.selectors.links import slot_fields, slot_url
from reservations.selectors.receipt import Line
from reservations.selectors.reservation import cancelling, idle
from reservations.selectors.standing import numbers_of
from reservations.wording import RuleWords


@dataclass(frozen=True)
class PreviewNode:
    name: str
    url: str
    place: str
    devices: str


@dataclass(frozen=True)
class Waterfall:
    node: str
    url: str
    steps: list[WaterfallStep]


@dataclass(frozen=True)
class RoomMeter:
    used: Decimal
    limit: Decimal
    adding: Decimal
    figures: str
    note: str
    weighed: str  # how the cost-weighted hours that it adds are worked out


@dataclass(frozen=True)
class Nearest:
    url: str
    sentence: str
    action: str


@dataclass(frozen=True)
class Preview:
    title: str
    nodes: tuple[PreviewNode, ...]
    start: datetime
    end: datetime
    is_now: bool
    zone: str
    starts_in: timedelta | None
    is_granted: bool
    headline: str
    rules: tuple[RuleWords, ...]
    rules_title: str
    nearest: Nearest | None
    receipt: tuple[Line, ...]
    waterfalls: tuple[Waterfall, ...]
    level_before: str
    level_after: str
    level_means: str
    place: str  # in which the next contested slot would find the project
    room: RoomMeter | None
    without_room: str  # why there is no meter
    payments: str
    carbon: str
    carbon_told: str  # what it is made of
    readers: str
    runner: str
    idle: str  # which of the nodes cannot run a job yet; empty where all can
    cancelling: str  # empty of a slot without length, and of one that has begun
    action: str  # empty of a slot without length
    fields: tuple[tuple[str, str], ...]

    @property
    def during(self) -> str:
        if not self.is_now:
            return formats.span(self.start, self.end)
        return gettext("Now – %s") % formats.moment(self.end)

    @property
    def length(self) -> timedelta | None:
        """None where it ends before it starts: the rule says so."""
        return self.end - self.start if self.end > self.start else None

    @property
    def refused(self) -> list[RuleWords]:
        return [rule for rule in self.rules if rule.outcome == "refused"]


@dataclass(frozen=True)
class Asked:
    """What the reader asked about; without a start it begins at once."""

    project: Project
    devices: Sequence[Device]  # with their nodes and sites
    start: datetime | None
    end: datetime
    at: datetime

    @property
    def uids(self) -> list[str]:
        return [str(device.uid) for device in self.devices]


def preview_page(*, asked: Asked, answer: Answer, policy: Rules) -> Preview:
    start = asked.start or asked.at
    prices = rates(device_ids=[device.pk for device in asked.devices], at=asked.at)
    nodes = [device.node for device in asked.devices]
    machines = confinement.told_of(nodes)
    refused = len(answer.refusing)
    quote = answer.quote
    told = tuple(wording.rules(answer, left_now(project=asked.project, start=start, end=asked.end)))
    before, after = change(Level(answer.level.before), Level(answer.level.after))
    carbon, made_of = carbon_told(
        expected_carbon(devices=asked.devices, prices=prices, start=start, end=asked.end)
    )
    return Preview(
        title=fleet(asked.devices),
        nodes=tuple(_nodes(asked.devices)),
        start=start,
        end=asked.end,
        is_now=asked.start is None,
        zone=timezone.get_current_timezone_name(),
        starts_in=start - asked.at if start > asked.at else None,
        is_granted=answer.is_granted,
        headline=wording.headline(answer),
        rules=told,
        rules_title=_rules_title(len(answer.rules), refused),
        nearest=nearest(asked=asked, answer=answer),
        receipt=_receipt(quote, prices, asked) if quote else (),
        waterfalls=tuple(_waterfalls(asked.devices, prices)),
        level_before=before,
        level_after=after,
        level_means=Level(answer.level.after).sentence,
        place=place_after_booking(project=asked.project, quote=quote, policy=policy, at=asked.at),
        room=_room(answer, [prices[device.pk] for device in asked.devices if device.pk in prices]),
        without_room=next(one.text for one in told if one.code == "room"),
        payments=_payments(quote) if quote else "",
        carbon=carbon,
        carbon_told=made_of,
        readers=_readers(nodes),
        runner=confinement.runners(nodes, machines),
        idle=idle(nodes, machines),
        cancelling=_cancelling(asked, policy),
        action=_action(quote, answer.is_granted) if asked.end > start else "",
        fields=slot_fields(project=asked.project.slug, devices=asked.uids, start=asked.start, end=asked.end),
    )


def nearest(*, asked: Asked, answer: Answer) -> Nearest | None:
    """The nearest slot that passes, as a link that fills the form in."""
    found = answer.nearest
    if found is None:
        return None
    url = slot_url(project=asked.project.slug, devices=asked.uids, start=found.start, end=found.end)
    length = formats.duration(found.end - found.start)
    action = gettext("Preview %(length)s from %(start)s") % {
        "length": length,
        "start": formats.moment(found.start),
    }
    return Nearest(url, wording.nearest(answer), action)


def _nodes(devices: Sequence[Device]) -> Iterator[PreviewNode]:
    for node, group in groupby(devices, key=lambda device: device.node):
        indexes = [str(device.index) for device in group]
        yield PreviewNode(
            name=node.name,
            url=node.get_absolute_url(),
            place=f"{node.site.name}, {formats.country(node.site.country)}",
            devices=ngettext("Device %s.", "Devices %s.", len(indexes)) % ", ".join(indexes),
        )


def _receipt(quote: Quote, prices: Mapping[int, Rate], asked: Asked) -> tuple[Line, ...]:
    """From what the hours cost to what is paid; rounding is split so that the lines add up."""
    hours = slots.hours(asked.end - (asked.start or asked.at))
    quantity = _sum(line.quantity for line in quote.lines if line.item == "slot")
    at = formats.device_hours(quantity, 2)
    lines = [
        (gettext("Full cost"), at, _sum(rate.full_delivered for rate in prices.values())),
        (
            gettext("Paid by public grants"),
            "",
            _sum(rate.chargeable_delivered - rate.full_delivered for rate in prices.values()),
        ),
        (
            gettext("Owner’s tariff against cost"),
            gettext("Carried over, left off or added; the node’s page tells which"),
            _sum(rate.price - rate.chargeable_delivered for rate in prices.values()),
        ),
        (gettext("Equinode fee"), "", _sum(rate.fee for rate in prices.values())),
    ]
    kept = [line for line in lines if line[2]]
    if not quote.total:
        return (Line(gettext("You pay, EUR"), "", quote.total, is_sum=True),)
    wanted = [amount * hours.numerator / hours.denominator for _, _, amount in kept]
    amounts = split(quote.total, wanted)
    sums = [Line(label, why, amount) for (label, why, _), amount in zip(kept, amounts, strict=True)]
    why = gettext("Invoiced as %s") % formats.money(quote.total)
    return (*sums, Line(gettext("You pay, EUR"), why, quote.total, is_sum=True))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _waterfalls(devices: Sequence[Device], prices: Mapping[int, Rate]) -> Iterator[Waterfall]:
    firsts = [next(group) for _, group in groupby(devices, key=lambda device: device.node_id)]
    priced = [device for device in firsts if device.pk in prices]
    steps = waterfalls([prices[device.pk] for device in priced])
    for device, its_steps in zip(priced, steps, strict=True):
        yield Waterfall(device.node.name, device.node.get_absolute_url(), its_steps)


def _room(answer: Answer, rates: Sequence[Rate]) -> RoomMeter | None:
    rule = next(rule for rule in answer.rules if rule.code == "room")
    if rule.verdict == IDLE:
        return None
    held, wanted, limit = (
        Decimal(str(value)) for value in (rule.facts["held"], rule.facts["wanted"], rule.limit)
    )
    left = max(Decimal(0), limit - held - wanted)
    return RoomMeter(
        used=held,
        limit=limit,
        adding=wanted,
        figures=gettext("%s left") % formats.number(left, 1),
        note=gettext("Held %(held)s, this adds %(wanted)s of %(limit)s cost-weighted hours.")
        % {
            "held": formats.number(held, 1),
            "wanted": formats.number(wanted, 1),
            "limit": formats.number(limit, 1),
        },
        weighed=_weighed(wanted, [rate.weight for rate in rates]),
    )


def _weighed(wanted: Decimal, weights: Sequence[Decimal]) -> str:
    """`0.5966 = 1 h × 0.5966`: of the hours that need room alone."""
    counts = sorted(Counter(weights).items(), reverse=True)
    factors = [
        f"{count} × {formats.number(weight, 4)}" if count > 1 else formats.number(weight, 4)
        for weight, count in counts
    ]
    sum_of_weights = _sum(weights)
    return gettext(
        "%(wanted)s cost-weighted hours = %(length)s × %(weights)s, the full cost in EUR of an available"
        " device-hour. Prices are for delivered ones."
    ) % {
        "wanted": formats.number(wanted, 4),
        "length": formats.duration(round(wanted / sum_of_weights * 3600)) if sum_of_weights else "",
        "weights": f"({' + '.join(factors)})" if len(factors) > 1 else "".join(factors),
    }


def _cancelling(asked: Asked, policy: Rules) -> str:
    """By the numbers for the project's class."""
    start = asked.start or asked.at
    if not asked.at <= start < asked.end:
        return ""
    return cancelling(numbers_of(asked.project, policy=policy, at=asked.at), start, asked.at)


def _payments(quote: Quote) -> str:
    parts = [_payment(payment) for payment in quote.payments]
    if quote.short:
        parts.append(gettext("%s is short.") % formats.money(quote.short, 4))
    return " ".join(parts)


def _payment(payment: Payment) -> str:
    said = {"grant": payment.name, "amount": formats.money(payment.amount, 4)}
    if payment.hours is None:
        return gettext("%(grant)s pays %(amount)s.") % said
    said["hours"] = formats.device_hours(payment.hours, 2)
    return gettext("%(grant)s pays %(hours)s, %(amount)s.") % said


def _readers(nodes: Sequence[Node]) -> str:
    countries = ", ".join(sorted({formats.country(node.site.country) for node in nodes}))
    return gettext("The administrators of the node, in %s.") % countries


def _rules_title(count: int, refused: int) -> str:
    if refused:
        return gettext("%(refused)d of %(count)d rules refuse") % {"refused": refused, "count": count}
    return gettext("All %d rules pass") % count


def _action(quote: Quote | None, is_granted: bool) -> str:
    if not is_granted or quote is None:
        return gettext("Ask all the same")
    return gettext("Book for %s") % formats.money(quote.total)
