"""What an owner declares about one node for one year: amounts in EUR before VAT, shares between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum

from pricing.domain.exact import EXACT, ZERO, total

# Of the formulas that a declaration counts by; docs/cost-model.md says what changed with each.
VERSION = "3"
HOURS_A_YEAR = Decimal(8760)  # 365 days, as every published unit cost we compare with counts


class Kind(StrEnum):
    """The components of a statement, in the order they are published."""

    PURCHASE = "purchase"
    ELECTRICITY = "electricity"
    HOSTING = "hosting"
    MAINTENANCE = "maintenance"
    NETWORK = "network"
    LICENCES = "licences"
    STAFF = "staff"
    INSURANCE = "insurance"
    FINANCING = "financing"
    VAT = "vat"  # the part that the owner cannot recover
    OVERHEAD = "overhead"


class FundingKind(StrEnum):
    """Whose money bought an asset. Only a public grant is left out of what is charged."""

    OWN = "own"
    LOAN = "loan"
    PUBLIC_GRANT = "public_grant"
    GIFT = "gift"


class EnergySource(StrEnum):
    """How the power was measured, best first; the order in which sources replace each other."""

    WALL = "wall"  # a meter or PDU at the socket
    BMC = "bmc"  # the machine's own controller: Redfish, IPMI, SNMP
    RAPL_NVML = "rapl_nvml"  # counters of CPUs and GPUs, with the loss of the power supply
    MODEL = "model"  # worked out from published figures


class PoolKey(StrEnum):
    """What the shares of a cost pool are counted in."""

    NODES = "nodes"
    DEVICES = "devices"
    RACK_UNITS = "rack_units"
    ENERGY = "energy"
    STAFF_HOURS = "staff_hours"
    TICKETS = "tickets"
    TRAFFIC = "traffic"


@dataclass(frozen=True)
class Funding:
    """A part of what an asset cost, and who paid it. What no source paid is the owner's own money."""

    source: str
    kind: FundingKind
    amount: Decimal


@dataclass(frozen=True)
class Asset:
    """One thing bought: it wears out from the day of its purchase, straight line to its residual value."""

    name: str
    price: Decimal
    purchased_on: date
    life_years: Decimal
    residual_value: Decimal = ZERO
    vat_not_recovered: Decimal = ZERO  # paid on top of the price, for good
    funding: tuple[Funding, ...] = ()
    maintenance_share: Decimal = ZERO  # of the price, a year
    warranty_until: date | None = None  # maintenance is counted from then on
    embodied_kilograms: Decimal | None = None  # CO2 equivalent of making it
    embodied_lowest: Decimal | None = None
    embodied_highest: Decimal | None = None

    @property
    def cost(self) -> Decimal:
        """What was paid: the price and the VAT that stays with the owner (IAS 16.16(a))."""
        return total((self.price, self.vat_not_recovered))

    def funded(self, *kinds: FundingKind) -> Decimal:
        return total(part.amount for part in self.funding if part.kind in kinds)

    @property
    def granted(self) -> Decimal:
        """How much of it public money paid."""
        return self.funded(FundingKind.PUBLIC_GRANT)

    @property
    def granted_share(self) -> Decimal:
        return _share(self.granted, self.cost)


@dataclass(frozen=True)
class Supply:
    """What is paid on each kWh beside the price of energy itself; EUR per kWh."""

    energy_adder: Decimal = ZERO
    grid_fee: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def added(self) -> Decimal:
        return total((self.energy_adder, self.grid_fee, self.tax))

    def price(self, eur_per_mwh: Decimal) -> Decimal:
        """EUR per kWh at a day-ahead price in EUR per MWh; below zero in an hour of plenty."""
        with localcontext(EXACT):
            return eur_per_mwh / 1000 + self.added


@dataclass(frozen=True)
class DayAheadMean:
    """The mean day-ahead price of a zone over the days from `since` to `until` (not included).

    It is frozen with the statement: an hour that becomes known later changes no published figure.
    """

    zone: str
    since: date
    until: date
    eur_per_mwh: Decimal  # may be negative
    hours_known: int
    hours_missing: int


@dataclass(frozen=True)
class PoolPart:
    """This node's share of a cost that its owner shares among nodes, frozen with the statement."""

    pool: str  # its identifier
    statement: str  # the identifier of what was published of it
    name: str
    digest: str  # SHA-256 of that statement
    kind: Kind
    key: PoolKey
    share: Decimal
    amount_year: Decimal  # EUR a year of the share: shares of all nodes add up to the pool


@dataclass(frozen=True)
class Support:
    """Public money or help that carries a part of a running cost: free hosting, permanent staff."""

    source: str
    kind: Kind
    amount_year: Decimal


@dataclass(frozen=True)
class Declared:
    assets: tuple[Asset, ...]
    active_kilowatts: Decimal  # drawn by the whole node while it is used
    idle_kilowatts: Decimal  # and while it waits
    pue: Decimal  # power usage effectiveness of the place
    used_share: Decimal  # of the available hours expected to be delivered
    energy_source: EnergySource = EnergySource.MODEL
    # Electricity is bought at a contract price or at the day-ahead price; EUR per kWh.
    contract_price: Decimal | None = None
    day_ahead: DayAheadMean | None = None
    energy_adder: Decimal = ZERO  # what the supplier adds to the price of energy
    grid_fee: Decimal = ZERO
    electricity_tax: Decimal = ZERO  # what is not recovered
    planned_outage_hours: Decimal = ZERO  # of a year of 8,760 hours
    unplanned_outage_hours: Decimal = ZERO
    rack_units: Decimal = ZERO  # that the node takes up
    rack_size: Decimal = Decimal(42)  # rack units in its rack
    rack_year: Decimal = ZERO  # EUR a year for the whole rack
    hosting_year: Decimal = ZERO  # EUR a year for the node, beside its part of the rack
    network_year: Decimal = ZERO
    licences_year: Decimal = ZERO
    maintenance_year: Decimal = ZERO  # a contract, beside the shares of the assets' prices
    staff_posts: Decimal = ZERO  # full-time posts
    staff_post_year: Decimal = ZERO  # EUR a year for one post, all in
    insurance_share: Decimal = ZERO  # of the assets' prices, a year
    insurance_year: Decimal = ZERO
    interest_rate: Decimal = ZERO  # a year, on the average tied capital
    financing_year: Decimal = ZERO  # fees and interest paid, beside the rate
    vat_year: Decimal = ZERO  # on running costs, not recovered
    indirect_costs: Decimal = ZERO  # of the owner's accounts, for one period
    direct_costs: Decimal = ZERO  # the base they are spread over, in the same period
    pools: tuple[PoolPart, ...] = ()
    support: tuple[Support, ...] = ()
    related_parties: bool | None = None  # bought from or hosted by somebody close; None: not said
    sources: Mapping[str, str] = field(default_factory=dict)  # component -> where its figure comes from
    # What was published keeps the formulas that it was published with.
    version: str = VERSION

    @property
    def purchase_price(self) -> Decimal:
        """What all assets cost to buy, before VAT."""
        return total(asset.price for asset in self.assets)

    @property
    def granted_share(self) -> Decimal:
        """The part of everything bought that public money paid."""
        granted = total(asset.granted for asset in self.assets)
        return _share(granted, total(asset.cost for asset in self.assets))

    @property
    def electricity_price(self) -> Decimal:
        """EUR per kWh, all in: energy, what is added to it, grid, taxes not recovered."""
        supply = Supply(self.energy_adder, self.grid_fee, self.electricity_tax)
        if self.day_ahead:
            return supply.price(self.day_ahead.eur_per_mwh)
        return total((self.contract_price or ZERO, supply.added))

    @property
    def available_hours(self) -> Decimal:
        """Node-hours a year in which it can be booked."""
        with localcontext(EXACT):
            return HOURS_A_YEAR - self.planned_outage_hours - self.unplanned_outage_hours

    @property
    def available_share(self) -> Decimal:
        return _share(self.available_hours, HOURS_A_YEAR)

    @property
    def overhead_share(self) -> Decimal:
        """Actual indirect over actual direct cost, never a flat rate."""
        return _share(self.indirect_costs, self.direct_costs)

    def from_pools(self, kind: Kind) -> Decimal:
        """EUR a year of this component that comes from cost pools."""
        return total(part.amount_year for part in self.pools if part.kind is kind)

    def supported(self, kind: Kind) -> Decimal:
        """EUR a year of this component that public support carries."""
        return total(part.amount_year for part in self.support if part.kind is kind)


def _share(part: Decimal, whole: Decimal) -> Decimal:
    with localcontext(EXACT):
        return part / whole if whole else ZERO
