"""Several nodes side by side: what an hour costs on each, of what that is made, and what others ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pricing.domain import specifications
from pricing.domain.cost import Kind, split
from pricing.domain.cost.units import per_teraflop_hour
from pricing.domain.declared import Declared, from_json
from pricing.domain.exact import EXACT, rounded
from pricing.domain.hourly.filling import Coverage
from pricing.domain.specifications import DeviceSpecification
from pricing.models import CostComponent, CostStatement
from pricing.selectors.hourly import hourly, recent, zone_row
from pricing.selectors.prices import PriceRow, priced, priced_nodes, with_market

LEAST, MOST = 2, 6
ZERO = Decimal(0)


@dataclass(frozen=True)
class Carbon:
    """Of the last seven days that are known of a zone: the mean of their hours."""

    since: datetime
    until: datetime
    grams_per_kwh: Decimal
    coverage: Coverage


@dataclass(frozen=True)
class Compared:
    """One node; EUR per device-hour unless said otherwise."""

    row: PriceRow
    components: Mapping[Kind, Decimal]  # of the full cost per delivered hour
    not_charged: Decimal  # of it: what public money carries, and interest on the owner's own
    eur_per_kwh: Decimal | None  # None where no energy is declared
    kilowatts: Decimal  # of one device in use, with its part of the machine, before PUE
    pue: Decimal
    carbon: Carbon | None
    specification: DeviceSpecification | None

    @property
    def grams_an_hour(self) -> Decimal | None:
        """CO2 equivalent of a device-hour in use, of electricity alone."""
        if self.carbon is None:
            return None
        per_kwh = EXACT.multiply(self.pue, self.carbon.grams_per_kwh)
        return rounded(EXACT.multiply(self.kilowatts, per_kwh))

    @property
    def per_fp16_teraflop(self) -> Decimal | None:
        return self._per_teraflop(self.specification.fp16_tflops if self.specification else None, "FP16")

    @property
    def per_fp32_teraflop(self) -> Decimal | None:
        return self._per_teraflop(self.specification.fp32_tflops if self.specification else None, "FP32")

    def _per_teraflop(self, speed: Decimal | None, precision: str) -> Decimal | None:
        """Full cost of a delivered hour at the maker's peak."""
        if not speed:
            return None
        found = per_teraflop_hour(
            self.row.full_delivered, teraflops=speed, precision=precision, measured=False
        )
        return rounded(found.amount)


@dataclass(frozen=True)
class Comparison:
    nodes: list[Compared]  # in the order asked
    at: datetime
    as_of: datetime | None

    @property
    def kinds(self) -> list[Kind]:
        """Components that cost something on one of them, in the order of statements."""
        return [kind for kind in Kind if any(node.components.get(kind) for node in self.nodes)]

    @property
    def largest_component(self) -> Decimal:
        """What the bars of components are drawn to."""
        every = (abs(amount) for node in self.nodes for amount in node.components.values())
        return max(every, default=ZERO)


def priced_names(*, at: datetime, as_of: datetime | None) -> dict[str, str]:
    """Names of the nodes that have a price then, by their slug; one query."""
    rows = priced(at=at, as_of=as_of).order_by("node__name")
    return dict(rows.values_list("node__slug", "node__name"))


def compare(slugs: Sequence[str], *, at: datetime, as_of: datetime | None = None) -> Comparison:
    """The nodes of those names that have a price; seven queries, and five for each electricity zone."""
    at = as_of or at
    found = {row.slug: row for row in priced_nodes(at=at, as_of=as_of, slugs=slugs)}
    rows = with_market([found[slug] for slug in slugs if slug in found], at=at)
    statements = [row.statement_id for row in rows]
    rows_of = CostStatement.objects.filter(pk__in=statements).values_list("pk", "declared", "device_count")
    declared = {pk: (from_json(written), devices) for pk, written, devices in rows_of}
    components: dict[int, list[CostComponent]] = {pk: [] for pk in statements}
    for one in CostComponent.objects.filter(statement__in=statements).order_by("position"):
        components[one.statement_id].append(one)
    carbon = {zone: _carbon(zone, at, as_of) for zone in {row.zone for row in rows}}
    return Comparison(
        nodes=[
            _compared(row, *declared[row.statement_id], components[row.statement_id], carbon[row.zone])
            for row in rows
        ],
        at=at,
        as_of=as_of,
    )


def _compared(
    row: PriceRow,
    declared: Declared,
    devices: int,
    components: Sequence[CostComponent],
    carbon: Carbon | None,
) -> Compared:
    """`devices` are those that the statement was of."""
    # Rounding each line by itself would leave the sum a millionth off now and then.
    amounts = split(row.full_delivered, [line.full_year for line in components])
    return Compared(
        row=row,
        components={
            Kind(line.kind): amount for line, amount in zip(components, amounts, strict=True) if amount
        },
        not_charged=row.full_delivered - row.chargeable_delivered,
        eur_per_kwh=declared.electricity_price or None,
        kilowatts=EXACT.divide(declared.active_kilowatts, Decimal(devices)),
        pue=declared.pue,
        carbon=carbon,
        specification=specifications.device(row.device, row.memory_bytes),
    )


def _carbon(zone: str, at: datetime, as_of: datetime | None) -> Carbon | None:
    """Whole days (UTC) that are over at the moment: what is forecast does not count."""
    known = zone_row(zone)
    if known is None:
        return None
    since, until = recent(known)
    if until > at:
        over = until - at.replace(hour=0, minute=0, second=0, microsecond=0)
        since, until = since - over, until - over
    hours = hourly(zone=zone, start=since, end=until, as_of=as_of).lifecycle
    if hours.mean is None:
        return None
    return Carbon(since, until, hours.mean, hours.coverage)
