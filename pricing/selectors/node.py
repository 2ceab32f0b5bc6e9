"""The page of one node: its price, what it costs, how the one follows from the other, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.db.models import DateTimeField, DecimalField, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from common import formats
from nodes.models import Device, Node
from pricing import wording
from pricing.domain.cost import Kind, electricity_cost, markup, rounded, split
from pricing.domain.declared import Declared, from_json
from pricing.models import (
    CostComponent,
    CostStatement,
    HourlySeries,
    HourlyValue,
    PricingPolicy,
    SiteFee,
    Tariff,
)
from pricing.selectors.behind import saying_what_is_behind
from pricing.selectors.caps import Bound, held
from pricing.selectors.rates import Rate, WaterfallStep, parted, waterfall_of

ZERO = Decimal(0)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Figure:
    """A number in large, with what to hold against it."""

    name: str
    amount: Decimal
    note: str
    unit: str = "EUR/h"

    @property
    def value(self) -> str:
        return formats.number(self.amount, 4)


@dataclass(frozen=True)
class TableRow:
    """A step of the waterfall as a line of a table."""

    label: str
    amount: Decimal  # EUR per delivered device-hour
    share: Decimal | None  # of the full cost
    is_sum: bool
    year: Decimal | None = None  # EUR for the whole node, to the cent; for what the statement declares
    sentence: str = ""
    source: str = ""


@dataclass(frozen=True)
class AgainstRow:
    """The price held against one of the four costs."""

    label: str
    cost: Decimal
    markup: Decimal | None


@dataclass(frozen=True)
class DayAhead:
    """The last known wholesale price in the node's zone, and an hour of use at that price."""

    hour: datetime
    eur_per_mwh: Decimal
    node_hour: Decimal  # EUR, the whole node in use, with PUE

    @property
    def ends(self) -> datetime:
        return self.hour + timedelta(hours=1)


@dataclass(frozen=True)
class NodePage:
    node: Node
    devices: list[Device]
    at: datetime
    statements: list[CostStatement]  # newest first
    tariffs: list[Tariff]  # newest first
    components: dict[int, list[CostComponent]]  # of every statement
    fee: Decimal
    held: Bound | None  # the price in force, held against the cap

    @cached_property
    def statement(self) -> CostStatement | None:
        """The one in force."""
        return next((row for row in self.statements if self.at in row.effective), None)

    @cached_property
    def tariff(self) -> Tariff | None:
        """The one in force."""
        return next((row for row in self.tariffs if self.at in row.effective), None)

    @cached_property
    def rate(self) -> Rate | None:
        statement, tariff = self.statement, self.tariff
        if statement is None or tariff is None:
            return None
        return Rate(
            device_id=self.devices[0].pk if self.devices else 0,
            node_id=self.node.pk,
            weight=statement.full_available,
            price=tariff.price,
            fee=self.fee,
            tariff_id=tariff.pk,
            statement_id=statement.pk,
            full_delivered=statement.full_delivered,
            chargeable_delivered=statement.chargeable_delivered,
            carried=tariff.carried,
            owner_adjustment=tariff.owner_adjustment,
            publicly_funded_share=statement.publicly_funded_share,
        )

    @cached_property
    def declared(self) -> Declared | None:
        return from_json(self.statement.declared) if self.statement else None

    @cached_property
    def waterfall(self) -> list[WaterfallStep]:
        return waterfall_of(self.rate, self.components[self.rate.statement_id]) if self.rate else []

    @cached_property
    def rows(self) -> list[TableRow]:
        """The waterfall's reading without a drawing, with what a year of the node costs."""
        if self.rate is None or self.declared is None:
            return []
        return _table(self.waterfall, self.components[self.rate.statement_id], self.declared)

    @property
    def free_this_year(self) -> list[str]:
        """Components that cost nothing: not declared, worn out, under warranty."""
        lines = self.components[self.statement.pk] if self.statement else []
        return [str(wording.COMPONENT_NAMES[Kind(line.kind)]) for line in lines if not line.full_year]

    @cached_property
    def against(self) -> list[AgainstRow]:
        statement, tariff = self.statement, self.tariff
        if statement is None or tariff is None:
            return []
        return [
            AgainstRow(label, cost, markup(tariff.price, cost))
            for label, cost in wording.four_costs(statement)
        ]

    @property
    def used_share(self) -> Decimal | None:
        return self.declared.used_share if self.declared else None

    @property
    def idle_year(self) -> Decimal | None:
        """What idle hours cost in a year: full cost of the hours available and not delivered."""
        statement = self.statement
        if statement is None:
            return None
        idle_hours = statement.available_device_hours - statement.delivered_device_hours
        return rounded(statement.full_available * idle_hours)

    @property
    def day_ahead(self) -> DayAhead | None:
        price: Decimal | None = getattr(self.node, "day_ahead_price", None)
        if price is None or self.declared is None:
            return None
        used = electricity_cost(
            kilowatt_hours=[self.declared.active_kilowatts], pue=self.declared.pue, prices=[price / 1000]
        )
        return DayAhead(self.node.day_ahead_hour, price, rounded(used))  # type: ignore[attr-defined]

    @property
    def title(self) -> str:
        """`8 × H100 SXM5 80 GB`: what is sold here."""
        if not self.devices:
            return self.node.name
        first = self.devices[0]
        return f"{len(self.devices)} × {first.model} {formats.memory(first.memory_bytes)}"

    @property
    def model_key(self) -> str:
        return self.devices[0].model_key if self.devices else ""

    @property
    def figures(self) -> list[Figure]:
        rate = self.rate
        if rate is None:
            return []
        to_pay = _("Per device-hour. You pay %(amount)s with the fee") % {
            "amount": formats.number(rate.to_pay, 4)
        }
        return [
            Figure(_("Price"), rate.price, to_pay),
            Figure(_("Full cost"), rate.full_delivered, wording.against(rate.price, rate.full_delivered)),
            Figure(
                _("Chargeable cost"),
                rate.chargeable_delivered,
                wording.against(rate.price, rate.chargeable_delivered),
            ),
        ]


def node_page(*, slug: str, at: datetime) -> NodePage | None:
    """Everything published about a node; None for one that was never listed. Withdrawn ones keep theirs."""
    node = _nodes(at).filter(slug=slug).exclude(state=Node.State.DRAFT).first()
    if node is None:
        return None
    components: dict[int, list[CostComponent]] = {}
    for component in CostComponent.objects.filter(statement__node=node).order_by("position"):
        components.setdefault(component.statement_id, []).append(component)
    related = ("node", "entry", "corrects")
    rows = CostStatement.objects.filter(node=node).select_related(*related).order_by("-number")
    statements = list(saying_what_is_behind(rows, at))
    against = (*related, "statement", "policy", "exception")
    tariffs = list(Tariff.objects.filter(node=node).select_related(*against).order_by("-number"))
    return NodePage(
        node=node,
        devices=list(node.devices.all()),
        at=at,
        statements=statements,
        tariffs=tariffs,
        components=components,
        fee=node.fee,
        held=_held(node, statements, tariffs, at),
    )


def _held(node: Node, statements: list[CostStatement], tariffs: list[Tariff], at: datetime) -> Bound | None:
    """No query where the price was published under the policy in force and needs no exception."""
    statement = next((row for row in statements if at in row.effective), None)
    tariff = next((row for row in tariffs if at in row.effective), None)
    if statement is None or tariff is None:
        return None
    statement.node = node  # with its owner and site
    known: int | None = node.policy_id  # type: ignore[attr-defined]  # annotated below
    if known is None:
        policy = None
    else:
        policy = tariff.policy if tariff.policy_id == known else PricingPolicy.objects.get(pk=known)
    return held(tariff, statement, policy=policy, at=at)


def _nodes(at: datetime):  # type: ignore[no-untyped-def]
    """Nodes with the fee, the pricing policy and the last day-ahead price beside them, in one query."""
    fee = SiteFee.objects.filter(effective__contains=at).values("amount")[:1]
    latest = HourlyValue.objects.filter(
        series__zone=OuterRef("site__electricity_zone"),
        series__quantity=HourlySeries.Quantity.PRICE,
        hour__lte=at,
    ).order_by(F("hour").desc())
    money: DecimalField[Decimal, Decimal] = DecimalField(max_digits=18, decimal_places=6)
    return Node.objects.select_related("owner", "site").annotate(
        fee=Coalesce(Subquery(fee), ZERO, output_field=money),
        policy_id=Subquery(PricingPolicy.objects.filter(effective__contains=at).values("pk")[:1]),
        day_ahead_price=Subquery(latest.values("value")[:1], output_field=money),
        day_ahead_hour=Subquery(latest.values("hour")[:1], output_field=DateTimeField()),
    )


def _table(steps: list[WaterfallStep], components: list[CostComponent], declared: Declared) -> list[TableRow]:
    years = _years(components)
    lines = {line.kind: line for line in components}
    full = next(step.amount for step in steps if step.code == "full")
    return [
        TableRow(
            label=step.label,
            amount=step.amount,
            share=step.amount / full if full else None,
            is_sum=step.kind in ("sum", "price"),
            year=years.get(step.code),
            sentence=(
                wording.component_sentence(Kind(step.code), lines[step.code].detail)
                if step.code in lines
                else ""
            ),
            source=declared.sources.get(step.code, ""),
        )
        for step in steps
    ]


def _years(components: list[CostComponent]) -> dict[str, Decimal]:
    """EUR a year by step, in cents that add up to the totals shown beneath them."""
    full = sum((line.full_year for line in components), ZERO).quantize(CENT)
    chargeable = sum((line.chargeable_year for line in components), ZERO).quantize(CENT)
    cents = split(full, [line.full_year for line in components], grain=CENT)
    by_kind = {line.kind: cent for line, cent in zip(components, cents, strict=True)}
    public, own = parted(chargeable - full, components, grain=CENT)
    return by_kind | {"full": full, "granted": public, "own_interest": own, "chargeable": chargeable}
