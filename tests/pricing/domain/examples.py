"""The worked node S1 of docs/cost-model.md, and any other node that can be declared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from pricing.domain.cost import Cost, cost_of
from pricing.domain.declared import (
    Asset,
    DayAheadMean,
    Declared,
    EnergySource,
    Funding,
    FundingKind,
    Kind,
    PoolKey,
    PoolPart,
    Support,
)

D = Decimal
YEAR_FROM = date(2026, 10, 1)

DGX = Asset(
    name="DGX H100", price=D(280_000), residual_value=D(28_000), life_years=D(5),
    purchased_on=date(2026, 1, 1), maintenance_share=D("0.04"),
)  # fmt: skip
S1 = Declared(
    assets=(DGX,), active_kilowatts=D("6.2"), idle_kilowatts=D("1.4"), pue=D("1.25"),
    contract_price=D("0.145"), planned_outage_hours=D("350.4"), used_share=D("0.72"),
    hosting_year=D(9000), network_year=D(2000),
    licences_year=D(1500), staff_posts=D("0.15"), staff_post_year=D(82_000), insurance_share=D("0.005"),
    indirect_costs=D("120000"), direct_costs=D(1_000_000),
)  # fmt: skip
PROGRAMME = Funding("National programme", FundingKind.PUBLIC_GRANT, D(168_000))
S1_GRANTED = replace(S1, assets=(replace(DGX, funding=(PROGRAMME,)),))


def with_asset(declared: Declared = S1, **changes: object) -> Declared:
    """The same with its one asset changed."""
    (asset,) = declared.assets
    return replace(declared, assets=(replace(asset, **changes),))


def s1(declared: Declared = S1, devices: int = 8) -> Cost:
    return cost_of(declared, device_count=devices, year_from=YEAR_FROM)


def amount(most: str, places: int = 2, least: str = "0") -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=D(least), max_value=D(most), places=places)


money = amount("10000000")
share = amount("1", 4, "0.01")
days = st.dates(date(2015, 1, 1), date(2028, 1, 1))
names = st.text("abcdefghij é", min_size=1, max_size=12).filter(str.strip)


@st.composite
def assets(draw: st.DrawFn) -> Asset:
    price = draw(amount("10000000", least="1"))
    vat = draw(amount(str(price)))
    parts = draw(st.lists(st.tuples(st.sampled_from(FundingKind), st.integers(1, 100)), max_size=4))
    bought = draw(days)
    pieces = max(sum(weight for _kind, weight in parts), 100)
    return Asset(
        name=draw(names), price=price, vat_not_recovered=vat,
        residual_value=draw(amount(str(price))), life_years=draw(amount("12", 1, "0.5")),
        purchased_on=bought,
        funding=tuple(
            Funding("Programme", kind, piece) for kind, weight in parts
            if (piece := ((price + vat) * weight / pieces).quantize(D("0.01"), rounding="ROUND_FLOOR"))
        ),
        maintenance_share=draw(share), warranty_until=draw(st.none() | st.dates(bought, date(2032, 1, 1))),
        embodied_kilograms=draw(st.none() | amount("5000")),
    )  # fmt: skip


@st.composite
def day_ahead_means(draw: st.DrawFn) -> DayAheadMean:
    return DayAheadMean(
        "FR", date(2025, 1, 1), date(2026, 1, 1), draw(amount("500", 2, "-50")), draw(st.integers(1, 8760)), 0
    )


@st.composite
def pool_parts(draw: st.DrawFn) -> list[PoolPart]:
    kinds = st.sampled_from([kind for kind in Kind if kind is not Kind.PURCHASE])
    return [
        PoolPart(f"pool-{at}", f"statement-{at}", "Room", "ab" * 32, kind, draw(st.sampled_from(PoolKey)),
                 draw(share), draw(amount("100000")))
        for at, kind in enumerate(draw(st.lists(kinds, max_size=4)))
    ]  # fmt: skip


@st.composite
def declarations(draw: st.DrawFn) -> Declared:
    mean = draw(st.none() | day_ahead_means())
    return Declared(
        assets=tuple(draw(st.lists(assets(), min_size=1, max_size=3))),
        active_kilowatts=draw(amount("50", 3, "5")), idle_kilowatts=draw(amount("5", 3)),
        pue=draw(amount("3", 3, "1")), energy_source=draw(st.sampled_from(EnergySource)),
        contract_price=None if mean else draw(amount("1", 5)), day_ahead=mean,
        energy_adder=draw(amount("0.2", 5, "0.05")), grid_fee=draw(amount("0.1", 5)),
        electricity_tax=draw(amount("0.1", 5)),
        planned_outage_hours=draw(amount("4000", 1)), unplanned_outage_hours=draw(amount("4000", 1)),
        used_share=draw(share), rack_units=draw(amount("42", 1)), rack_year=draw(money),
        hosting_year=draw(money), network_year=draw(money), licences_year=draw(money),
        maintenance_year=draw(money), staff_posts=draw(amount("5")), staff_post_year=draw(money),
        insurance_share=draw(share), insurance_year=draw(money), interest_rate=draw(amount("0.2", 4)),
        financing_year=draw(money), vat_year=draw(money), indirect_costs=draw(money),
        direct_costs=draw(amount("10000000", least="1")), pools=tuple(draw(pool_parts())),
        related_parties=draw(st.none() | st.booleans()),
    )  # fmt: skip


@st.composite
def supported(draw: st.DrawFn) -> Declared:
    """A node some of whose running costs public money carries, never more than they come to."""
    declared = draw(declarations())
    cost = cost_of(declared, device_count=1, year_from=YEAR_FROM)
    lines = [
        line for line in cost.components
        if line.kind not in (Kind.PURCHASE, Kind.OVERHEAD, Kind.FINANCING, Kind.VAT) and line.full_year > 1
    ]  # fmt: skip
    chosen = (
        draw(st.lists(st.sampled_from(lines), unique_by=lambda line: line.kind, max_size=3)) if lines else []
    )
    support = tuple(
        Support("Host", line.kind, (line.full_year * draw(share)).quantize(D("0.01"), rounding="ROUND_FLOOR"))
        for line in chosen
    )
    return replace(declared, support=tuple(part for part in support if part.amount_year))
