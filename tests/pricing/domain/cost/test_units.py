from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost.units import by_device, per_million_tokens, per_teraflop_hour, unit_cost
from pricing.domain.exact import split, total
from tests.pricing.domain.examples import s1

D = Decimal


@pytest.mark.parametrize(
    ("pounds_a_month", "units_an_hour", "deliverable", "pounds_a_unit"),
    [
        ("734108.43", 3241, 1_894_041, "0.38759"),
        ("734108.43", 6188, 3_616_267, "0.203"),
        ("752695.49", 7395, 4_321_638, "0.17417"),
        ("752695.49", 12290, 7_182_276, "0.10480"),
    ],
)
def test_the_hpcx_allocation_unit(
    pounds_a_month: str, units_an_hour: int, deliverable: int, pounds_a_unit: str
) -> None:
    """HPCx: 1 AU is 1 Gflop/s of Linpack for an hour; months of 730.5 hours, 80 % of them deliverable.

    http://www.hpcx.ac.uk/services/policies/charging_model.html
    """
    units = units_an_hour * D("730.5")
    whole = units.quantize(D(1), ROUND_HALF_UP)  # as that page rounds
    assert (whole * D("0.8")).quantize(D(1), ROUND_HALF_UP) == deliverable
    cost = unit_cost(D(pounds_a_month), units=units, used_share=D("0.8"))
    assert cost.quantize(D(pounds_a_unit)) == D(pounds_a_unit)


def test_a_core_hour_costs_more_when_fewer_are_used() -> None:
    """Rescale, on the cost of one's own cluster: 0.12 at full use is 0.15 at 80 %."""
    assert unit_cost(D("0.12"), units=D(1), used_share=D("0.8")) == D("0.15")


def test_requested_memory_and_actual_time_are_paid_for() -> None:
    """WUR, Anunna: https://wiki.anunna.wur.nl/index.php?title=Tariffs&oldid=2005"""
    hours = D("1.5")
    cores, memory = 4 * D("0.015") * hours, 40 * D("0.0015") * hours
    assert (cores, memory, total((cores, memory))) == (D("0.09"), D("0.09"), D("0.18"))


def test_a_node_is_split_by_what_its_parts_are_worth() -> None:
    """https://github.com/opencost/opencost/blob/develop/spec/opencost-specv01.md, appendix A."""
    assert split(D(35), [D(30), D(30), D(10)]) == [15, 15, 5]
    node = by_device(
        D(35), bases={"gpu": D(30), "cpu": D(30), "ram": D(10)}, counts={"gpu": 1, "cpu": 1, "ram": 1}
    )
    assert node == {"gpu": [15], "cpu": [15], "ram": [5]}


def test_unlike_devices_bear_a_node_hour_by_their_worth() -> None:
    """Two large and four small devices, one worth three of the other."""
    parts = by_device(D("10.000000"), bases={"h100": D(3), "l4": D(1)}, counts={"h100": 2, "l4": 4})
    assert parts == {"h100": [D(3), D(3)], "l4": [D(1)] * 4}


@given(
    st.decimals(min_value=0, max_value=1000, places=6),
    st.dictionaries(
        st.sampled_from("abcde"),
        st.tuples(st.decimals(min_value="0.01", max_value=100, places=2), st.integers(1, 8)), min_size=1,
    ),
)  # fmt: skip
def test_device_hours_add_up_to_the_node_hour(node: D, models: dict[str, tuple[D, int]]) -> None:
    bases = {model: base for model, (base, _count) in models.items()}
    counts = {model: count for model, (_base, count) in models.items()}
    parts = by_device(node, bases=bases, counts=counts)
    assert {model: len(each) for model, each in parts.items()} == counts
    assert total(part for each in parts.values() for part in each) == node
    assert all(max(each) - min(each) <= D("0.000001") for each in parts.values())  # like devices cost alike


def test_the_delivered_hours_of_s1_carry_its_teraflops_and_tokens() -> None:
    hour = s1().full_delivered  # 2.201228
    measured = per_teraflop_hour(hour, teraflops=D(50), precision="FP64", measured=True)
    peak = per_teraflop_hour(hour, teraflops=D(67), precision="FP64", measured=False)
    assert (measured.amount.quantize(D("0.000001")), peak.unit) == (D("0.044025"), "EUR/TFLOP-h")
    assert measured.amount > peak.amount  # nobody reaches the peak
    tokens = per_million_tokens(hour, tokens_a_second=D(2500), precision="BF16", measured=True)
    assert tokens.amount.quantize(D("0.000001")) == D("0.244581")  # 2.201228 / (2,500 x 3,600 / 10^6)
    assert (tokens.unit, tokens.precision, tokens.measured) == ("EUR/Mtoken", "BF16", True)


@given(
    st.decimals(min_value=0, max_value=10**6, places=2), st.decimals(min_value=1, max_value=10**5, places=1),
    st.decimals(min_value="0.01", max_value=1, places=2),
)  # fmt: skip
def test_a_unit_never_costs_less_for_being_used_less(cost: D, units: D, used: D) -> None:
    assert unit_cost(cost, units=units, used_share=used) >= unit_cost(cost, units=units)
