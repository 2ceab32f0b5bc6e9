"""What a draft comes to, seen beside the form: EUR per device-hour, the change, what is missing or odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from common import formats
from nodes.models import Device, Node
from pricing import wording
from pricing.domain import drafting, specifications
from pricing.domain.cost import Cost, cost_of, rounded, split
from pricing.domain.declared import Fault
from pricing.domain.plausibility import Oddity, oddities
from pricing.models import CostStatement
from pricing.selectors.oddities import sentence_of
from pricing.selectors.rates import WaterfallStep

ZERO = Decimal(0)


@dataclass(frozen=True)
class CostLine:
    """One of the four costs, with what it is in the statement in force."""

    label: str
    amount: Decimal
    before: Decimal | None
    is_main: bool

    @property
    def change(self) -> Decimal | None:
        """As a share of what it was."""
        return (self.amount - self.before) / self.before if self.before else None


@dataclass(frozen=True)
class Warning:
    """Something odd, in a sentence, and who says what is usual."""

    field: str
    sentence: str
    source: str


@dataclass(frozen=True)
class Effect:
    """What a draft comes to for its node."""

    node: Node
    devices: Sequence[Device]
    reading: drafting.Reading
    cost: Cost | None  # None where a node has no devices to spread it over
    in_force: CostStatement | None
    year_from: date  # the first day that it would count

    @cached_property
    def lines(self) -> list[CostLine]:
        cost, before = self.cost, self.in_force
        if cost is None:
            return []
        return [
            CostLine(
                label, rounded(amount), getattr(before, name) if before else None, name == "full_delivered"
            )
            for label, amount, name in (
                (_("Full, per delivered hour"), cost.full_delivered, "full_delivered"),
                (_("Full, per available hour"), cost.full_available, "full_available"),
                (_("Chargeable, per delivered hour"), cost.chargeable_delivered, "chargeable_delivered"),
                (_("Chargeable, per available hour"), cost.chargeable_available, "chargeable_available"),
            )
        ]

    @cached_property
    def main(self) -> CostLine | None:
        return next((line for line in self.lines if line.is_main), None)

    @cached_property
    def waterfall(self) -> list[WaterfallStep]:
        """The components of the full cost per delivered hour."""
        cost = self.cost
        if cost is None or not rounded(cost.full_delivered):
            return []
        amounts = split(rounded(cost.full_delivered), [line.full_year for line in cost.components])
        steps = [
            WaterfallStep(line.kind, str(wording.COMPONENT_NAMES[line.kind]), amount, "plus")
            for line, amount in zip(cost.components, amounts, strict=True)
            if amount
        ]
        return [*steps, WaterfallStep("full", _("Full cost"), rounded(cost.full_delivered), "sum")]

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        beyond = tuple(self.cost.faults) if self.cost is not None and self.reading.is_publishable else ()
        return (*self.reading.faults, *beyond)

    @cached_property
    def missing(self) -> list[str]:
        """What is not said yet and counts as nothing, by name."""
        return [wording.fault_name(field) for field in self.reading.missing if not _is_assumed(field)]

    @cached_property
    def assumed(self) -> list[str]:
        """What is not said yet and counts all the same, by name, with what it counts as."""
        return [
            f"{wording.fault_name(field)}: {_assumption(field)}"
            for field in self.reading.missing
            if _is_assumed(field)
        ]

    @cached_property
    def wrong(self) -> list[str]:
        return [wording.fault_name(fault.field) for fault in self.faults if fault.rule != "missing"]

    @cached_property
    def warnings(self) -> list[Warning]:
        """Of what is said: a figure that is missing is not odd yet."""
        if self.cost is None:
            return []
        unsaid = {fault.field for fault in self.faults}
        return [
            Warning(odd.field, sentence_of(odd), odd.band.source)
            for odd in self._oddities(self.cost)
            if not _is_unsaid(odd, unsaid)
        ]

    def _oddities(self, cost: Cost) -> list[Oddity]:
        first = self.devices[0] if self.devices else None
        return oddities(
            self.reading.declared, cost, year_from=self.year_from,
            device=specifications.device(first.model, first.memory_bytes) if first else None,
            power=modelled_power(self.node, self.devices),
        )  # fmt: skip


def _is_assumed(field: str) -> bool:
    return field.rpartition(".")[2] in drafting.TOLD_ASSUMED


def _assumption(field: str) -> str:
    name = field.rpartition(".")[2]
    value = drafting.TOLD_ASSUMED[name]
    return formats.percent(value, 0) if name == "used_share" else formats.number(value)


def _is_unsaid(odd: Oddity, unsaid: set[str]) -> bool:
    """Whether something that the figure is held against is still to be said, and is only assumed."""
    if odd.code == "related_parties_not_said":
        return bool(unsaid)  # the last thing to be asked for
    row = odd.field.rpartition(".")[0] or odd.field
    return odd.field in unsaid or any(one.startswith(f"{row}.") for one in unsaid)


def effect(*, node: Node, declared: Mapping[str, object], at: datetime) -> Effect:
    """What these members come to; two queries. `node` has its site."""
    devices = list(node.devices.all())
    reading = drafting.read(declared)
    in_force = CostStatement.objects.filter(node=node, effective__contains=at).first()
    cost, year_from = None, first_day(node, at)
    if devices:
        cost = cost_of(reading.declared, device_count=len(devices), year_from=year_from)
    return Effect(node, devices, reading, cost, in_force, year_from)


def first_day(node: Node, at: datetime) -> date:
    """The day in the node's own place: the first that a statement from then on counts."""
    return at.astimezone(ZoneInfo(node.site.time_zone)).date()


def modelled_power(node: Node, devices: Sequence[Device]) -> specifications.ModelledPower | None:
    return specifications.modelled_power(
        device_models=[(device.model, device.memory_bytes) for device in devices],
        cpu_model=node.cpu_model,
        cpu_cores=node.cpu_cores,
    )


def power_sentence(node: Node, devices: Sequence[Device]) -> str:
    """What makers' data sheets say that the machine draws; empty where its parts are in no table."""
    power = modelled_power(node, devices)
    if power is None:
        return ""
    parts = []
    if power.devices is not None:
        parts.append(f"{power.device_count} × {power.devices.model}, {power.devices.watts} W")
    if power.processor is not None:
        parts.append(f"{power.processor_count} × {power.processor.model}, {power.processor.watts} W")
    facts = {
        "parts": "; ".join(parts),
        "kilowatts": formats.number(power.kilowatts),
        "sources": "; ".join(power.sources),
    }
    return (
        _(
            "Data sheets allow this machine %(kilowatts)s kW: %(parts)s, and a quarter for the rest "
            "(%(sources)s)."
        )
        % facts
    )
