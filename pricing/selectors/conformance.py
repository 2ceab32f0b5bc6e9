"""The page of what a node is: listed, found by its agent, met in checks, measured, and its cost by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import OrganisationMembership, User
from common import formats
from nodes import selectors as nodes
from nodes.domain import conformance
from nodes.domain.conformance import Figures
from nodes.domain.inventory import ADOPTABLE, Difference, Found, read
from nodes.models import Agent, Device, Node, NodeCheck, NodeInventory
from pricing.domain.cost import rounded
from pricing.domain.cost.units import per_teraflop_hour
from pricing.selectors.listed_and_found import Fact, Row, facts_of, rows_of
from pricing.selectors.rates import rates
from pricing.wording import conformance as wording

GIGA = Decimal(1000)
SHOWN = (Node.State.LISTED, Node.State.DRAINED, Node.State.WITHDRAWN)
MOST_SPOTS = 30
OVER = (NodeCheck.State.PASSED, NodeCheck.State.FAILED)
MOST_PAST = 10
# As its job measures them: what a pure Python does in a second says nothing about a machine.
COMPARABLE = ("numpy", "torch")


@dataclass(frozen=True)
class Sentence:
    text: str
    holds_back: bool


@dataclass(frozen=True)
class Met:
    name: str
    is_met: bool
    missed: str


@dataclass(frozen=True)
class Measured:
    name: str
    value: str
    unit: str
    note: str


@dataclass(frozen=True)
class Spot:
    finished_at: datetime
    matrix: str
    memory: str
    off: str
    is_good: bool


@dataclass(frozen=True)
class Past:
    told_at: datetime
    state: str
    differences: int


@dataclass(frozen=True)
class Level:
    name: str
    meaning: str


@dataclass(frozen=True)
class ConformancePage:
    node: Node
    level: int
    inventory: NodeInventory | None
    rows: Sequence[Row]
    sentences: Sequence[Sentence]
    faults: Sequence[str]
    facts: Sequence[Fact]
    past: Sequence[Past]
    check: NodeCheck | None  # the last conformance check that is over
    open_check: NodeCheck | None
    requirements: Sequence[Met]
    figures: Sequence[Measured]
    spots: Sequence[Spot]
    consecutive: int
    missed: int  # checks in a row that had their time and were not made
    has_agent: bool
    may_settle: bool = False
    may_ask: bool = False

    @property
    def level_name(self) -> str:
        return str(wording.LEVELS[self.level])

    @property
    def level_meaning(self) -> str:
        return str(wording.LEVEL_MEANINGS[self.level])

    @property
    def level_tag(self) -> str:
        return "good" if self.level >= conformance.CONFORMING else "" if self.level else "warn"

    @property
    def is_open(self) -> bool:
        return self.inventory is not None and self.inventory.state == NodeInventory.State.OPEN

    @property
    def is_settled(self) -> bool:
        return self.inventory is not None and self.inventory.state == NodeInventory.State.SETTLED

    @property
    def held_back(self) -> Sequence[Sentence]:
        return [one for one in self.sentences if one.holds_back]

    @property
    def is_about_devices(self) -> bool:
        """Whether something is open that its owner may neither correct nor accept."""
        stored = self.inventory.differences if self.inventory else []
        return any(one["holds_back"] and one["code"] not in ADOPTABLE for one in stored)

    @property
    def levels(self) -> list[Level]:
        pairs = zip(wording.LEVELS, wording.LEVEL_MEANINGS, strict=True)
        return [Level(str(name), str(meaning)) for name, meaning in pairs]

    @property
    def noted(self) -> Sequence[Sentence]:
        return [one for one in self.sentences if not one.holds_back]


def shown_node(slug: str) -> Node | None:
    return Node.objects.select_related("owner", "site").filter(slug=slug, state__in=SHOWN).first()


def conformance_page(node: Node, *, at: datetime, reader: User | None) -> ConformancePage:
    current = node.inventories.current().select_related("settled_by").first()
    found = read(current.told) if current else Found(is_empty=True)
    differences = [Difference.of_json(one) for one in current.differences] if current else []
    devices = list(node.devices.order_by("index"))
    agent = Agent.objects.filter(node=node, revoked_at__isnull=True).first()
    checks = list(node.checks.all()[: MOST_SPOTS + 20])
    last = next((one for one in checks if one.purpose == "conformance" and one.state in OVER), None)
    may = _rights(node, reader)
    return ConformancePage(
        node=node,
        level=nodes.level_of(node),
        inventory=current,
        rows=list(rows_of(node, devices, found, differences)),
        sentences=[Sentence(wording.difference(one), one.holds_back) for one in differences],
        # A stranger's program wrote these, with paths in them: for those who can do something about it.
        faults=found.faults if may else (),
        facts=list(facts_of(found)),
        past=[
            Past(one.told_at, str(one.get_state_display()), sum(d["holds_back"] for d in one.differences))
            for one in node.inventories.all()[1 : MOST_PAST + 1]
        ],
        check=last,
        open_check=next((one for one in checks if one.state in NodeCheck.OPEN), None),
        requirements=[
            Met(name, stored["is_met"], missed)
            for stored in (last.requirements if last else [])
            for name, missed in [wording.requirement(stored)]
        ],
        figures=_figures(node, devices, last, at),
        spots=[_spot(one) for one in checks if one.purpose == "spot" and one.state in OVER][:MOST_SPOTS],
        consecutive=nodes.consecutive_of(node, agent.pk) if agent else 0,
        missed=nodes.missed_of(node, agent.pk) if agent else 0,
        has_agent=agent is not None,
        may_settle=may and current is not None and current.state == NodeInventory.State.OPEN,
        may_ask=may and node.state != Node.State.WITHDRAWN,
    )


def _rights(node: Node, reader: User | None) -> bool:
    """Who leads its owner, and stewards; what either may do the service and the rules decide."""
    if reader is None:
        return False
    led = OrganisationMembership.objects.filter(
        organisation=node.owner_id, user=reader, role=OrganisationMembership.Role.LEAD
    )
    return reader.is_steward or led.exists()


# --- measured ----------------------------------------------------------------------------------------
def _figures(node: Node, devices: Sequence[Device], check: NodeCheck | None, at: datetime) -> list[Measured]:
    if check is None or not check.figures:
        return []
    figures = Figures.of_json(check.figures)
    shown = [
        (_("Matrices"), figures.matrix_gflops, _("GFLOP/s"), figures.matrix_method),
        (_("Each GPU"), figures.gpu_mean, _("GFLOP/s"), figures.gpu_method),
        (_("Memory"), figures.memory_gbps, _("GB/s"), _("read and written")),
        (_("Disk"), figures.disk_mbps, _("MB/s"), _("until it is written")),
    ]
    measured = [
        Measured(name, formats.number(round(Decimal(value), 1), 1), unit, note)
        for name, value, unit, note in shown
        if value
    ]
    cost = cost_of_teraflop(devices, figures, at)
    if cost is not None:
        measured.append(
            Measured(_("Cost of a TFLOP-hour"), formats.number(cost, 4), "EUR", _("full cost, as measured"))
        )
    return measured


def cost_of_teraflop(devices: Sequence[Device], figures: Figures, at: datetime) -> Decimal | None:
    """Full cost of a delivered device-hour by what the device itself was measured to do.

    None where that was not measured: processors say nothing about the GPUs that are booked.
    """
    if not devices:
        return None
    is_host = devices[0].kind == Device.Kind.HOST
    speed, method = (
        (figures.matrix_gflops, figures.matrix_method) if is_host else (figures.gpu_mean, figures.gpu_method)
    )
    if not speed or not method.startswith(COMPARABLE):
        return None
    rate = rates(device_ids=[devices[0].pk], at=at).get(devices[0].pk)
    if rate is None:
        return None
    teraflops = Decimal(str(speed)) / GIGA
    found = per_teraflop_hour(
        rate.full_delivered, teraflops=teraflops, precision="FP64" if is_host else "FP32", measured=True
    )
    return rounded(found.amount)


def _spot(check: NodeCheck) -> Spot:
    assert check.finished_at
    figures = Figures.of_json(check.figures) if check.figures else Figures()
    off = ", ".join(wording.deviation(name, ratio) for name, ratio in check.deviations.items())
    return Spot(
        finished_at=check.finished_at,
        matrix=formats.number(round(Decimal(figures.matrix_gflops), 1), 1) if figures.matrix_gflops else "",
        memory=formats.number(round(Decimal(figures.memory_gbps), 1), 1) if figures.memory_gbps else "",
        off=off or _("No figures came back"),
        is_good=check.state == NodeCheck.State.PASSED,
    )
