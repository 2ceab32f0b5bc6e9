"""How the components of a statement come about: each amount taken apart into what was multiplied and divided.

The terms of a component add up to its full cost of a year as pricing.domain.cost counts it; a test holds
the two against each other. Formulas and their sources: docs/cost-model.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.cost import depreciation
from pricing.domain.cost.electricity import energy
from pricing.domain.cost.running_costs import average_tied_capital
from pricing.domain.cost.year import Cost, cost_of
from pricing.domain.declared.shape import Asset, Declared, FundingKind, Kind
from pricing.domain.exact import EXACT, ONE, ZERO, less, total


@dataclass(frozen=True)
class Term:
    """One product of a component: EUR a year for the node, and the numbers that it is the product of."""

    code: str  # pricing.wording.working has a sentence for each
    amount: Decimal
    numbers: Mapping[str, Decimal] = field(default_factory=dict)
    name: str = ""  # of what was bought, or of the pool


@dataclass(frozen=True)
class Working:
    kind: Kind
    full_year: Decimal
    terms: tuple[Term, ...]  # those that come to something


def workings(declared: Declared, *, device_count: int, year_from: date) -> list[Working]:
    """Of every component, in the order of the statement."""
    cost = cost_of(declared, device_count=device_count, year_from=year_from)
    return [
        Working(line.kind, line.full_year, _terms(line.kind, declared, cost, year_from))
        for line in cost.components
    ]


def public_sources(declared: Declared, *, year_from: date) -> dict[str, Decimal]:
    """EUR a year that each source of public money carries, before overhead: of assets and running costs."""
    found: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for asset in declared.assets:
            residual = asset.residual_value
            worn = depreciation.of_year(asset, price=asset.cost, residual=residual, year_from=year_from)
            for part in asset.funding:
                if part.kind is FundingKind.PUBLIC_GRANT:
                    share = worn.full * part.amount / asset.cost
                    found[part.source] = found.get(part.source, ZERO) + share
        for support in declared.support:
            found[support.source] = found.get(support.source, ZERO) + support.amount_year
    return {source: amount for source, amount in found.items() if amount}


def _terms(kind: Kind, declared: Declared, cost: Cost, year_from: date) -> tuple[Term, ...]:
    found = [*_OWN[kind](declared, cost, year_from), *_pools(kind, declared)]
    return tuple(term for term in found if term.amount)


# --- of assets ----------------------------------------------------------------------------------------
def _purchase(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    return (_worn(asset, asset.price, year_from, "wears_out") for asset in declared.assets)


def _vat(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    for asset in declared.assets:
        yield _worn(asset, asset.vat_not_recovered, year_from, "vat_wears_out")
    yield Term("vat_of_running_costs", declared.vat_year)


def _worn(asset: Asset, price: Decimal, year_from: date, code: str) -> Term:
    with localcontext(EXACT):
        residual = asset.residual_value * price / asset.cost
    worn = depreciation.of_year(asset, price=price, residual=residual, year_from=year_from)
    numbers = {"price": price, "residual": residual, "years": asset.life_years}
    until = depreciation.worn_out_on(asset)
    return Term(code, worn.full, numbers | _days(year_from, asset.purchased_on, until), asset.name)


def _days(year_from: date, since: date, until: date | None) -> dict[str, Decimal]:
    """Of the statement's year, those that count, and all."""
    year_until = depreciation.years_later(year_from, 1)
    counted = (min(year_until, until or year_until) - max(year_from, since)).days
    every = (year_until - year_from).days
    return {"days": Decimal(max(counted, 0)), "of_days": Decimal(every)}


def _maintenance(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    for asset in declared.assets:
        bought = year_from if declared.version == "2" else asset.purchased_on
        days = _days(year_from, asset.warranty_until or bought, None)
        with localcontext(EXACT):
            amount = asset.maintenance_share * asset.price * days["days"] / days["of_days"]
        numbers = {"share": asset.maintenance_share, "price": asset.price}
        yield Term("maintenance_share", amount, numbers | days, asset.name)
    yield Term("maintenance_contract", declared.maintenance_year)


def _financing(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    for asset in declared.assets:
        days = _days(year_from, asset.purchased_on, depreciation.worn_out_on(asset))
        given = asset.funded(FundingKind.PUBLIC_GRANT, FundingKind.GIFT)
        with localcontext(EXACT):
            not_given = (asset.cost - given) / asset.cost if asset.cost else ZERO
            tied = average_tied_capital(asset) * not_given
            amount = declared.interest_rate * tied * days["days"] / days["of_days"]
        numbers = {
            "rate": declared.interest_rate,
            "cost": asset.cost,
            "residual": asset.residual_value,
            "not_given": not_given,
        }
        yield Term("interest", amount, numbers | days, asset.name)
    yield Term("financing_besides", declared.financing_year)


# --- running costs ------------------------------------------------------------------------------------
def _electricity(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    used = energy(declared, available=cost.available_hours)
    with localcontext(EXACT):
        amount = used * declared.pue * declared.electricity_price
    numbers = {
        "active": declared.active_kilowatts,
        "delivered": cost.delivered_hours,
        "idle": declared.idle_kilowatts,
        "waiting": less(cost.available_hours, cost.delivered_hours),
        "pue": declared.pue,
        "price": declared.electricity_price,
    }
    yield Term("electricity", amount, numbers)


def _hosting(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    with localcontext(EXACT):
        racked = declared.rack_units * declared.rack_year / declared.rack_size
    numbers = {"units": declared.rack_units, "size": declared.rack_size, "rack_year": declared.rack_year}
    yield Term("rack", racked, numbers)
    yield Term("declared", declared.hosting_year)


def _staff(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    with localcontext(EXACT):
        amount = declared.staff_posts * declared.staff_post_year
    yield Term("posts", amount, {"posts": declared.staff_posts, "post_year": declared.staff_post_year})


def _insurance(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    with localcontext(EXACT):
        amount = declared.insurance_share * declared.purchase_price
    numbers = {"share": declared.insurance_share, "price": declared.purchase_price}
    yield Term("insurance_share", amount, numbers)
    yield Term("premium", declared.insurance_year)


def _overhead(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    direct = total(line.full_year for line in cost.components if line.kind is not Kind.OVERHEAD)
    with localcontext(EXACT):
        amount = declared.overhead_share * direct
    numbers = {"indirect": declared.indirect_costs, "direct": declared.direct_costs, "base": direct}
    yield Term("overhead", amount, numbers)


def _network(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    yield Term("declared", declared.network_year)


def _licences(declared: Declared, cost: Cost, year_from: date) -> Iterator[Term]:
    yield Term("declared", declared.licences_year)


def _pools(kind: Kind, declared: Declared) -> Iterator[Term]:
    for part in declared.pools:
        if part.kind is kind:
            yield Term("pool", part.amount_year, {"share": part.share}, part.name)


_OWN: Mapping[Kind, Callable[[Declared, Cost, date], Iterator[Term]]] = {
    Kind.PURCHASE: _purchase,
    Kind.ELECTRICITY: _electricity,
    Kind.HOSTING: _hosting,
    Kind.MAINTENANCE: _maintenance,
    Kind.NETWORK: _network,
    Kind.LICENCES: _licences,
    Kind.STAFF: _staff,
    Kind.INSURANCE: _insurance,
    Kind.FINANCING: _financing,
    Kind.VAT: _vat,
    Kind.OVERHEAD: _overhead,
}


# --- amounts as they are shown ------------------------------------------------------------------------
def shown(whole: Decimal, parts: list[Decimal], *, grain: Decimal) -> list[Decimal]:
    """Parts in whole grains that add up to the whole as it is shown; signs may be mixed.

    What rounding leaves goes to the largest remainders.
    """
    with localcontext(EXACT):
        floors = [(part / grain).to_integral_value("ROUND_FLOOR") for part in parts]
        missing = int((whole / grain).to_integral_value() - total(floors))
        order = sorted(range(len(parts)), key=lambda at: (floors[at] - parts[at] / grain, at))
        if parts:
            every, some = divmod(missing, len(parts))
            for rank, index in enumerate(order):
                floors[index] += every + (ONE if rank < some else ZERO)
        return [floor * grain for floor in floors]
