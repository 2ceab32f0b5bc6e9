"""Cost per unit: of an hour, of a device among unlike ones, of work done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from pricing.domain.exact import EXACT, MICRO, ONE, split

SECONDS_AN_HOUR = 3600
MILLION = 10**6


@dataclass(frozen=True)
class PerWork:
    """EUR per unit of work at a speed; `precision` and `measured` belong to the figure."""

    amount: Decimal
    unit: str
    precision: str  # as FP64, BF16; a figure without it compares unlike things
    measured: bool  # else the manufacturer's peak


def unit_cost(cost: Decimal, *, units: Decimal, used_share: Decimal = ONE) -> Decimal:
    """The cost of one delivered unit when `used_share` of `units` is delivered."""
    with localcontext(EXACT):
        return cost / (units * used_share)


def by_device(
    node_cost: Decimal, *, bases: Mapping[str, Decimal], counts: Mapping[str, int], grain: Decimal = MICRO
) -> dict[str, list[Decimal]]:
    """A node's cost on its devices of unlike worth: each one's base over the sum of all bases.

    In whole grains; the devices of all models add up to the node exactly (OpenCost specification,
    appendix A, https://github.com/opencost/opencost/blob/develop/spec/opencost-specv01.md).
    """
    models = [model for model in bases for _ in range(counts[model])]
    parts = split(node_cost, [bases[model] for model in models], grain=grain)
    devices: dict[str, list[Decimal]] = {model: [] for model in bases}
    for model, part in zip(models, parts, strict=True):
        devices[model].append(part)
    return devices


def per_teraflop_hour(device_hour: Decimal, *, teraflops: Decimal, precision: str, measured: bool) -> PerWork:
    """EUR for 10^12 floating-point operations a second, for one hour."""
    return PerWork(unit_cost(device_hour, units=teraflops), "EUR/TFLOP-h", precision, measured)


def per_million_tokens(
    device_hour: Decimal, *, tokens_a_second: Decimal, precision: str, measured: bool
) -> PerWork:
    with localcontext(EXACT):
        millions_an_hour = tokens_a_second * SECONDS_AN_HOUR / MILLION
    return PerWork(unit_cost(device_hour, units=millions_an_hour), "EUR/Mtoken", precision, measured)
