"""The table of compared nodes as text, and the same figures as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from common import formats
from common.bars import drawn, part
from ledger.domain.jcs import moment
from pricing import wording
from pricing.domain.declared import plain
from pricing.domain.exact import rounded
from pricing.selectors.compare import Carbon, Compared, Comparison
from pricing.selectors.open_data import UNIT, price_json, text
from pricing.selectors.price_lines import market_cell

PLACES = 4


@dataclass(frozen=True)
class Cell:
    text: str
    note: str = ""
    url: str = ""
    width: str = ""  # of a bar to the scale of all components
    is_income: bool = False  # a year of negative prices makes electricity one


@dataclass(frozen=True)
class Line:
    label: str
    cells: list[Cell]
    is_sum: bool = False


@dataclass(frozen=True)
class Part:
    title: str
    unit: str
    lines: list[Line]


@dataclass(frozen=True)
class Head:
    slug: str
    name: str
    url: str
    rest: list[str]  # the others' short names: what stays when this one goes


def heads(found: Comparison) -> list[Head]:
    slugs = [node.row.slug for node in found.nodes]
    return [
        Head(node.row.slug, node.row.node, node.row.url, [one for one in slugs if one != node.row.slug])
        for node in found.nodes
    ]


def parts(found: Comparison) -> list[Part]:
    """What is shown, from what it is to what others ask."""
    return [
        Part(_("What it is"), "", list(_identity(found))),
        Part(_("Price"), _("EUR per device-hour"), list(_price(found))),
        Part(_("Cost"), _("EUR per device-hour"), list(_cost(found))),
        Part(_("What the full cost is made of"), _("EUR per delivered device-hour"), list(_made_of(found))),
        Part(_("Electricity and carbon"), "", list(_energy(found))),
        Part(_("Compared with elsewhere"), "", list(_outside(found))),
    ]


def _line(found: Comparison, label: str, cell: Callable[[Compared], tuple[str, ...]], **more: Any) -> Line:
    """`cell` gives the text, and maybe a note and an address."""
    cells = []
    for node in found.nodes:
        words, note, url, *_rest = (*cell(node), "", "")
        cells.append(Cell(words, note, url))
    return Line(label, cells, **more)


def _identity(found: Comparison) -> Iterator[Line]:
    yield _line(
        found,
        _("Device"),
        lambda node: (
            f"{node.row.device_count} × {node.row.device} {formats.memory(node.row.memory_bytes)}",
        ),
    )
    yield _line(
        found,
        _("Place"),
        lambda node: (node.row.site, f"{formats.country(node.row.country)}, {node.row.zone}"),
    )
    yield _line(
        found,
        _("Owner"),
        lambda node: (
            node.row.owner,
            _("public body") if node.row.owner_is_public else _("private owner"),
        ),
    )


def _price(found: Comparison) -> Iterator[Line]:
    yield _line(found, _("Price"), lambda node: (_eur(node.row.price),))
    yield _line(found, _("Equinode fee"), lambda node: (_eur(node.row.fee),))
    yield _line(found, _("You pay"), lambda node: (_eur(node.row.to_pay),), is_sum=True)
    yield _line(
        found, _("Against the full cost"), lambda node: (formats.signed_percent(node.row.markup_full),)
    )
    yield _line(
        found,
        _("Against the chargeable cost"),
        lambda node: (formats.signed_percent(node.row.markup_chargeable),),
    )
    yield _line(found, _("Highest price by the cap"), _cap)


def _cap(node: Compared) -> tuple[str, ...]:
    """As it stood when the tariff was published."""
    if node.row.limit is None:
        return (formats.NOTHING, _("No pricing policy was in force"))
    note = _("Above it, under a public exception") if node.row.is_excepted else ""
    return (_eur(node.row.limit), note)


def _cost(found: Comparison) -> Iterator[Line]:
    costs: Sequence[tuple[str, Callable[[Compared], Decimal]]] = [
        (_("Full, per delivered hour"), lambda node: node.row.full_delivered),
        (_("Full, per available hour"), lambda node: node.row.full_available),
        (_("Chargeable, per delivered hour"), lambda node: node.row.chargeable_delivered),
        (_("Chargeable, per available hour"), lambda node: node.row.chargeable_available),
    ]
    for label, cost in costs:
        yield Line(label, [Cell(_eur(cost(node))) for node in found.nodes])
    yield _line(
        found,
        _("Public money in the purchase"),
        lambda node: (formats.percent(node.row.publicly_funded_share, 0),),
    )


def _made_of(found: Comparison) -> Iterator[Line]:
    largest = found.largest_component
    for kind in found.kinds:
        yield Line(
            str(wording.COMPONENT_NAMES[kind]),
            [
                Cell(_eur(amount), width=drawn(part(abs(amount), largest)), is_income=amount < 0)
                for node in found.nodes
                for amount in [node.components.get(kind, Decimal(0))]
            ],
        )
    yield _line(found, _("Full cost"), lambda node: (_eur(node.row.full_delivered),), is_sum=True)
    yield _line(found, _("Not charged"), lambda node: (_eur(-node.not_charged),))
    yield _line(found, _("Chargeable cost"), lambda node: (_eur(node.row.chargeable_delivered),), is_sum=True)


def _energy(found: Comparison) -> Iterator[Line]:
    yield _line(
        found,
        _("Electricity, as declared"),
        lambda node: (
            _with_unit(node.eur_per_kwh, 4, _("EUR per kWh")),
            _("PUE %(pue)s") % {"pue": formats.number(node.pue.normalize())},
        ),
    )
    yield _line(
        found,
        _("Power of a device in use"),
        lambda node: (_with_unit(node.kilowatts, 3, _("kW")), _("with its part of the machine")),
    )
    yield _line(found, _("Carbon intensity, lifecycle"), lambda node: _intensity(node.carbon))
    yield _line(
        found,
        _("Carbon of a device-hour in use"),
        lambda node: (
            _with_unit(node.grams_an_hour, 0, _("g CO2e")),
            _("of electricity, with PUE") if node.carbon else "",
        ),
    )


def _intensity(carbon: Carbon | None) -> tuple[str, ...]:
    if carbon is None:
        return (formats.NOTHING, _("No hour is known"))
    mean = _with_unit(carbon.grams_per_kwh, 0, _("g per kWh"))
    since = _("mean of seven days up to %(day)s") % {"day": formats.long_day(carbon.until)}
    if carbon.coverage.estimated:
        since = _("mean of seven days up to %(day)s, partly estimated") % {
            "day": formats.long_day(carbon.until)
        }
    return (mean, since)


def _outside(found: Comparison) -> Iterator[Line]:
    yield _line(
        found,
        _("Full cost of a TFLOP-hour, FP16"),
        lambda node: (
            _with_unit(node.per_fp16_teraflop, 6, _("EUR")),
            _speed(node, node.specification.fp16_tflops if node.specification else None),
        ),
    )
    yield _line(
        found,
        _("Full cost of a TFLOP-hour, FP32"),
        lambda node: (
            _with_unit(node.per_fp32_teraflop, 6, _("EUR")),
            _speed(node, node.specification.fp32_tflops if node.specification else None),
        ),
    )
    yield _line(found, _("Lowest list price elsewhere"), _market)


def _speed(node: Compared, speed: Decimal | None) -> str:
    if node.specification is None or speed is None:
        return _("No published speed")
    return _("at the maker’s peak of %(speed)s TFLOP/s (%(source)s)") % {
        "speed": formats.number(speed),
        "source": node.specification.source,
    }


def _market(node: Compared) -> tuple[str, ...]:
    if node.row.market is None:
        return (formats.NOTHING, _("No list price is known"))
    cell = market_cell(node.row.market)
    return (cell.lowest, cell.note, cell.url)


def _eur(amount: Decimal) -> str:
    return formats.number(amount, PLACES)


def _with_unit(amount: Decimal | None, places: int, unit: str) -> str:
    return formats.NOTHING if amount is None else f"{formats.number(amount, places)} {unit}"


# --- as data -----------------------------------------------------------------------------------------------
def comparison_json(found: Comparison) -> dict[str, Any]:
    return {
        "at": moment(found.at),
        "as_of": moment(found.as_of) if found.as_of else None,
        "unit": UNIT,
        "currency": "EUR",
        "tax": "before VAT",
        "nodes": [
            {
                **price_json(node.row, is_now=False),
                "limit": None if node.row.limit is None else plain(node.row.limit),
                "is_excepted": node.row.is_excepted,
                **{name: value for name, value, _unit in _figures(node)},
                "components": {kind.value: plain(amount) for kind, amount in node.components.items()},
                "carbon_hours": _hours_json(node.carbon),
            }
            for node in found.nodes
        ],
    }


def _hours_json(carbon: Carbon | None) -> dict[str, Any] | None:
    if carbon is None:
        return None
    return {
        "since": moment(carbon.since),
        "until": moment(carbon.until),
        "reported": carbon.coverage.reported,
        "estimated": carbon.coverage.estimated,
    }


_MONEY = (
    "price", "fee", "to_pay", "full_delivered", "full_available", "chargeable_delivered",
    "chargeable_available",
)  # fmt: skip


def _figures(node: Compared) -> list[tuple[str, str | None, str]]:
    """Name, value and unit of what prices.csv does not have."""
    figures = [
        ("not_charged", node.not_charged, UNIT),
        ("electricity_price", node.eur_per_kwh, "EUR per kWh"),
        ("pue", node.pue, "ratio"),
        ("device_power", rounded(node.kilowatts), "kW"),
        ("carbon_intensity", node.carbon.grams_per_kwh if node.carbon else None, "gCO2e per kWh"),
        ("carbon_of_electricity", node.grams_an_hour, "gCO2e per device-hour in use"),
        ("full_cost_per_fp16_teraflop_hour", node.per_fp16_teraflop, "EUR per TFLOP-hour"),
        ("full_cost_per_fp32_teraflop_hour", node.per_fp32_teraflop, "EUR per TFLOP-hour"),
    ]
    return [(name, None if value is None else plain(value), unit) for name, value, unit in figures]


def comparison_csv(found: Comparison) -> list[list[str]]:
    """One figure a line, node by node."""
    rows = [["node", "figure", "value", "unit"]]
    for node in found.nodes:
        row = node.row
        rows += [
            [row.slug, name, text(str(getattr(row, name))), ""]
            for name in ("device", "owner", "site", "country")
        ]
        rows += [[row.slug, name, plain(getattr(row, name)), UNIT] for name in _MONEY]
        rows += [
            [row.slug, "publicly_funded_share", plain(row.publicly_funded_share), "share of purchase"],
            [row.slug, "limit", "" if row.limit is None else plain(row.limit), UNIT],
        ]
        rows += [
            [row.slug, f"component.{kind.value}", plain(amount), UNIT]
            for kind, amount in node.components.items()
        ]
        rows += [[row.slug, name, value or "", unit] for name, value, unit in _figures(node)]
        if row.market:
            market = row.market.found
            rows += [
                [row.slug, f"list_price.{row.market.kind}.lowest", plain(market.lowest), UNIT],
                [row.slug, f"list_price.{row.market.kind}.median", plain(market.median), UNIT],
                [row.slug, f"list_price.{row.market.kind}.last_seen", market.last.isoformat(), "day"],
            ]
    return rows
