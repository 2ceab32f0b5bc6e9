"""The page of one node: its price, what it costs, how the one follows from the other, and the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.db.models import DateTimeField, DecimalField, Exists, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from common import formats
from nodes.models import Agent, Device, Node
from pricing import wording
from pricing.domain.cost import electricity_cost, markup, rounded
from pricing.domain.declared import Declared, from_json
from pricing.domain.exact import plain
from pricing.models import (
    CostComponent,
    CostStatement,
    HourlySeries,
    HourlyValue,
    PricingPolicy,
    SiteFee,
    StatementWithdrawal,
    Tariff,
)
from pricing.selectors.as_of import (
    answering,
    called_off_statements,
    called_off_tariffs,
    cuts_of_statements,
    cuts_of_tariffs,
    known,
)
from pricing.selectors.behind import saying_what_is_behind
from pricing.selectors.caps import Bound, held
from pricing.selectors.rates import Rate, WaterfallStep, to_four_places, waterfall_of
from pricing.wording.plainly import plainly

ZERO = Decimal(0)


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
    statements: list[CostStatement]  # newest first, with the ends that were known at `at`
    tariffs: list[Tariff]  # newest first
    withdrawals: dict[int, StatementWithdrawal]  # by the statement that was withdrawn
    components: dict[int, list[CostComponent]]  # of every statement
    fee: Decimal
    held: Bound | None  # the price in force, held against the cap
    has_agent: bool  # whether a job can run there at all, today
    fee_moments: tuple[datetime, ...] = ()  # when the fee in force was published, and when it began

    @cached_property
    def statement(self) -> CostStatement | None:
        """The one in force."""
        return next((row for row in self.statements if self.at in row.effective), None)

    @cached_property
    def tariff(self) -> Tariff | None:
        """The one in force."""
        return next((row for row in self.tariffs if self.at in row.effective), None)

    @cached_property
    def announced_prices(self) -> list[Tariff]:
        """Published and not in force yet, the next one first."""
        found = [row for row in self.tariffs if row.effective_from > self.at and not row.is_called_off]
        return sorted(found, key=lambda row: row.effective_from)

    @cached_property
    def rate(self) -> Rate | None:
        statement, tariff = self.statement, self.tariff
        if statement is None or tariff is None:
            return None
        return replace(
            _rate(self.node, self.devices, statement),
            price=tariff.price,
            fee=self.fee,
            tariff_id=tariff.pk,
            carried=tariff.carried,
            owner_adjustment=tariff.owner_adjustment,
        )

    @cached_property
    def declared(self) -> Declared | None:
        return from_json(self.statement.declared) if self.statement else None

    @cached_property
    def waterfall(self) -> list[WaterfallStep]:
        """As far as it leads: without a price, to what could be charged."""
        if self.statement is None:
            return []
        rate = self.rate or _rate(self.node, self.devices, self.statement)
        steps = waterfall_of(rate, self.components[self.statement.pk])
        if self.rate is not None:
            return steps
        return steps[: 1 + [step.code for step in steps].index("chargeable")]

    @cached_property
    def drawn(self) -> list[WaterfallStep]:
        """The waterfall in four decimals that add up as they are shown."""
        return to_four_places(self.waterfall)

    @property
    def in_words(self) -> list[str]:
        """What an hour costs, what is charged, and why they differ."""
        return plainly(self.drawn)

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
    def excepted_until(self) -> datetime | None:
        return self.held.excepted_until(self.at) if self.held else None

    @property
    def counted_use(self) -> Decimal | None:
        """The share of hours that the cap counts as used, where the owner expects less."""
        if self.held is None or self.used_share is None:
            return None
        counted = self.held.check.used_share
        return counted if counted > self.used_share else None

    @property
    def use_counted_and_expected(self) -> tuple[str, str]:
        return _in_percent(self.counted_use), _in_percent(self.used_share)

    @property
    def is_cap_below_cost(self) -> bool:
        return (
            self.held is not None
            and self.statement is not None
            and self.held.limit < self.statement.chargeable_delivered
        )

    @property
    def declared_price(self) -> Decimal | None:
        """EUR per kWh, in the digits that the formulas show."""
        return Decimal(plain(rounded(self.declared.electricity_price))) if self.declared else None

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


def _in_percent(share: Decimal | None) -> str:
    """`45 %`, `45.5 %`."""
    return formats.percent(share, 1 if share is not None and share * 100 % 1 else 0)


def node_page(*, slug: str, at: datetime) -> NodePage | None:
    """Everything published about a node by a moment, as it stood then; None for one that was never listed.

    Withdrawn ones keep theirs. Name, place and devices are those of today.
    """
    node = _nodes(at).filter(slug=slug).exclude(state=Node.State.DRAFT).first()
    if node is None:
        return None
    components: dict[int, list[CostComponent]] = {}
    for component in CostComponent.objects.filter(statement__node=node).order_by("position"):
        components.setdefault(component.statement_id, []).append(component)
    related = ("node", "entry", "corrects")
    rows = CostStatement.objects.filter(node=node).order_by("-number")
    every = list(saying_what_is_behind(rows.select_related(*related, "withdrawal__entry"), at))
    if node.listed_at is not None and node.listed_at > at:
        every = []  # nobody could see it yet
    ends = [row.withdrawal for row in every if hasattr(row, "withdrawal")]
    statements = known(every, at=at, cuts=cuts_of_statements(ends), called_off=called_off_statements(ends))
    against = (*related, "statement", "policy", "exception", "call_off__entry")
    asked = list(Tariff.objects.filter(node=node).select_related(*against).order_by("-number"))
    if not every:
        asked = []
    tariffs = known(asked, at=at, cuts=cuts_of_tariffs(ends, asked), called_off=called_off_tariffs(asked))
    return NodePage(
        node=node,
        devices=list(node.devices.all()),
        at=at,
        statements=statements,
        tariffs=tariffs,
        withdrawals={one.statement_id: one for one in ends if one.withdrawn_at <= at},
        components=components,
        fee=node.fee,
        fee_moments=tuple(one for one in (node.fee_published_at, node.fee_begins) if one is not None),
        held=_held(node, statements, tariffs, at),
        has_agent=node.has_agent,
    )


def _rate(node: Node, devices: Sequence[Device], statement: CostStatement) -> Rate:
    """Of the cost alone: priced at what could be charged."""
    return Rate(
        device_id=devices[0].pk if devices else 0,
        node_id=node.pk,
        weight=statement.full_available,
        price=statement.chargeable_delivered,
        fee=ZERO,
        tariff_id=0,
        statement_id=statement.pk,
        full_delivered=statement.full_delivered,
        chargeable_delivered=statement.chargeable_delivered,
        carried=ZERO,
        owner_adjustment=ZERO,
        publicly_funded_share=statement.publicly_funded_share,
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
    """Nodes with the fee, the pricing policy, the last day-ahead price and the agent beside them, at once."""
    fees = SiteFee.objects.filter(answering(at))
    latest = HourlyValue.objects.filter(
        series__zone=OuterRef("site__electricity_zone"),
        series__quantity=HourlySeries.Quantity.PRICE,
        hour__lte=at,
        came_with__at__lte=at,
    ).order_by(F("hour").desc())
    money: DecimalField[Decimal, Decimal] = DecimalField(max_digits=18, decimal_places=6)
    return Node.objects.select_related("owner", "site").annotate(
        fee=Coalesce(Subquery(fees.values("amount")[:1]), ZERO, output_field=money),
        fee_published_at=Subquery(fees.values("published_at")[:1]),
        fee_begins=Subquery(fees.values("effective__startswith")[:1], output_field=DateTimeField()),
        policy_id=Subquery(PricingPolicy.objects.filter(answering(at)).values("pk")[:1]),
        day_ahead_price=Subquery(latest.values("value")[:1], output_field=money),
        day_ahead_hour=Subquery(latest.values("hour")[:1], output_field=DateTimeField()),
        has_agent=Exists(Agent.objects.filter(node=OuterRef("pk"), revoked_at=None)),
    )
