from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.exact import CENT, MICRO, less, line_of, plain, rounded, split, total

D = Decimal
rows_of_money = st.lists(st.decimals(min_value=-1000, max_value=1000, places=6), max_size=40)


@pytest.mark.parametrize(
    ("number", "text"), [("1E+3", "1000"), ("1.50", "1.5"), ("-0.0", "0"), ("100", "100"), ("-0.50", "-0.5")]
)
def test_one_number_has_one_spelling(number: str, text: str) -> None:
    assert plain(D(number)) == text


@pytest.mark.parametrize(
    ("hours", "price", "amount"), [("3.001", "0.233", "0.699233"), ("3.001", "0.333", "0.999333")]
)
def test_a_row_keeps_six_decimals(hours: str, price: str, amount: str) -> None:
    """FOCUS, correction handling, the example of rounding: https://focus.finops.org/focus-specification/"""
    assert rounded(D(hours) * D(price)) == D(amount)


@pytest.mark.parametrize(
    ("amount", "expected"), [("0.0000005", "0"), ("0.0000015", "0.000002"), ("-0.0000025", "-0.000002")]
)
def test_halves_go_to_the_even_neighbour(amount: str, expected: str) -> None:
    assert rounded(D(amount)) == D(expected)


def test_a_line_says_what_rounding_took() -> None:
    line = line_of([D("0.699233"), D("0.999333")])
    assert (line.exact, line.rounded, line.drift) == (D("1.698566"), D("1.70"), D("0.001434"))


def test_a_difference_keeps_all_digits() -> None:
    long = D("0.1234567890123456789012345678901234567890")
    assert less(long, long) == 0
    assert less(D(1), long, D(0)) == D("0.8765432109876543210987654321098765432110")


@given(rows_of_money)
def test_rows_and_drift_are_the_line(rows: list[D]) -> None:
    line = line_of(rows)
    assert total((*rows, line.drift)) == line.rounded
    assert abs(line.drift) <= CENT / 2
    assert line.rounded == line.rounded.quantize(CENT)


@given(rows_of_money, st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_its_order(rows: list[D], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert total(rows) == total(shuffled)


@given(
    st.decimals(min_value=-(10**6), max_value=10**6, places=6),
    st.lists(st.decimals(min_value=0, max_value=10**6, places=4), min_size=1, max_size=20).filter(any),
)
def test_parts_add_up_and_stray_less_than_a_grain(whole: D, bases: list[D]) -> None:
    parts = split(whole, bases)
    assert total(parts) == whole
    for part, base in zip(parts, bases, strict=True):
        assert abs(part - whole * base / total(bases)) < MICRO + D("1e-9")


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any))
def test_shares_of_a_pool_come_to_all_of_it_and_no_more(bases: list[int]) -> None:
    shares = split(D(1), [D(base) for base in bases], grain=D("1e-12"))
    assert total(shares) == 1
    assert min(shares) >= 0


@given(st.integers(1, 1000), st.lists(st.integers(1, 9), min_size=2, max_size=9))
def test_a_larger_base_never_gets_less(whole: int, bases: list[int]) -> None:
    parts = split(D(whole), [D(base) for base in bases], grain=D(1))
    for part, base in zip(parts, bases, strict=True):
        for other, smaller in zip(parts, bases, strict=True):
            assert base <= smaller or part >= other


def test_what_is_left_goes_to_the_largest_remainder() -> None:
    assert split(D(10), [D("3.6"), D("3.3"), D("3.1")], grain=D(1)) == [4, 3, 3]
    assert split(D(10), [D("3.1"), D("3.3"), D("3.6")], grain=D(1)) == [3, 3, 4]


def test_nothing_is_split_by_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to split by"):
        split(D(1), [D(0), D(0)])
