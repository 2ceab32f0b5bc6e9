from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pricing.domain.hourly.mix import intensity, read_factors, read_mix
from pricing.domain.hourly.tables import read_table
from pricing.domain.hourly.values import INTENSITIES, PRICES, Malformed, Quantity, Series
from pricing.domain.hourly.yearly import nearest, read_years

CARBON = Path(__file__).parents[5] / "shared/data/carbon"
LONG = "zone,hour_utc,value,unit,kind,basis\n"
NOON = datetime(2023, 1, 1, 12, tzinfo=UTC)
D = Decimal


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_a_wide_table_of_intensities_says_the_kind_in_its_columns() -> None:
    reading = read_table(
        lines("hour_utc,DE-LU_lca_g_kwh,DE-LU_direct_g_kwh\n2023-01-01T12:00Z,185.8,\n"), INTENSITIES
    )
    assert reading.series == [Series("DE-LU", Quantity.LIFECYCLE), Series("DE-LU", Quantity.DIRECT)]
    assert list(reading.cells) == [(0, NOON, D("185.8"), False), (1, NOON, None, False)]


def test_a_column_without_a_kind_takes_the_one_that_is_named() -> None:
    table = lines("hour_utc,FR_g_kwh\n2023-01-01T12:00Z,42.341\n")
    assert read_table(table, INTENSITIES, unnamed=Quantity.LIFECYCLE).series == [
        Series("FR", Quantity.LIFECYCLE)
    ]


def test_a_long_table_has_a_value_on_each_line() -> None:
    reading = read_table(
        lines(
            LONG + "FR,2023-01-01T12:00Z,42.3,gCO2e/kWh,lifecycle,reported\n"
            "GB,2023-01-01T12:00Z,128.04,gCO2e/kWh,lifecycle,estimated\n"
            "FR,2023-01-01T12:00Z,,gCO2e/kWh,direct,reported\n"
        ),
        INTENSITIES,
    )
    assert list(reading.cells) == [
        (0, NOON, D("42.3"), False), (1, NOON, D("128.04"), True), (2, NOON, None, False)
    ]  # fmt: skip
    assert reading.series == [
        Series("FR", Quantity.LIFECYCLE), Series("GB", Quantity.LIFECYCLE), Series("FR", Quantity.DIRECT)
    ]  # fmt: skip


ROW = "FR,2023-01-01T12:00Z,42.3,gCO2e/kWh,lifecycle,reported\n"


@pytest.mark.parametrize(
    ("text", "quantities", "line", "wanted"),
    [
        ("hour_utc,FR\n", INTENSITIES, 1, "no_price_here"),
        ("hour_utc,FR_g_kwh\n", INTENSITIES, 1, "kind_of_column"),
        ("hour_utc,FR_lca_g_kwh\n", PRICES, 1, "no_intensity_here"),
        ("hour_utc,FR,FR_lca_g_kwh\n", PRICES, 1, "no_intensity_here"),
        ("hour_utc;FR\n", PRICES, 1, "semicolons"),
        ('hour_utc,FR\n2023-01-01T12:00Z,"42,3"\n', PRICES, 2, "comma"),
        ('hour_utc,FR\n2023-01-01T12:00Z,"1.042,30"\n', PRICES, 2, "comma"),
        ("hour_utc,FR\n2023-01-01T12:00Z,42_3\n", PRICES, 2, "number"),
        ("hour_utc,FR\n2023-01-01T12:00Z,10000.01\n", PRICES, 2, "absurd_day_ahead"),
        ("hour_utc,FR_lca_g_kwh\n2023-01-01T12:00Z,-1\n", INTENSITIES, 2, "absurd_lifecycle"),
        ("hour_utc,FR_direct_g_kwh\n2023-01-01T12:00Z,2500.1\n", INTENSITIES, 2, "absurd_direct"),
        (LONG + ROW * 2, INTENSITIES, 3, "value_once"),
        (LONG + ROW.replace("lifecycle", "marginal"), INTENSITIES, 2, "kind"),
        (LONG + ROW, PRICES, 2, "kind_of_price"),
        (LONG + ROW.replace("gCO2e/kWh", "kg/MWh"), INTENSITIES, 2, "unit_lifecycle"),
        (LONG + "FR,2023-01-01T12:00Z,1,EUR/kWh,day_ahead,reported\n", PRICES, 2, "unit_day_ahead"),
        (LONG + ROW.replace("reported", ""), INTENSITIES, 2, "basis"),
        (LONG + ROW.replace("FR,", "fr,"), INTENSITIES, 2, "zone"),
        (LONG + ROW.replace("12:00Z", "12:30Z"), INTENSITIES, 2, "hour"),
        (LONG + "FR\n", INTENSITIES, 2, "columns"),
        (LONG + ROW.replace("2023-", "9999-"), INTENSITIES, 2, "years"),
        ("hour_utc,FR\n1989-12-31T23:00Z,1\n", PRICES, 2, "years"),
        ("hour_utc,FR\n2101-01-01T00:00Z,1\n", PRICES, 2, "years"),
    ],
)
def test_the_first_line_that_is_not_right_is_named(
    text: str, quantities: Sequence[Quantity], line: int, wanted: str
) -> None:
    with pytest.raises(Malformed) as fault:
        list(read_table(lines(text), quantities).cells)
    assert (fault.value.line, fault.value.wanted) == (line, wanted)


def test_a_mix_weighs_each_source_with_its_power_and_leaves_out_what_was_stored() -> None:
    factors = {"Nuclear": D(16), "Fossil Gas": D(469)}
    power = {"Nuclear": D(300), "Fossil Gas": D(100), "Hydro Pumped Storage": D(-50), "Waste": D(100)}
    assert intensity(power, factors) == D("103.400")  # (300 x 16 + 100 x 469) / 500
    assert intensity({"Hydro Pumped Storage": D(50)}, factors) is None


@pytest.mark.skipif(not CARBON.exists(), reason=f"the real generation is not at {CARBON}")
def test_the_mix_of_france_in_2020_gives_the_published_intensities() -> None:
    """Wiesner 2021, lets-wait-awhile: 9,287 hours to the thousandth of a gram; one it does not have."""
    with (CARBON / "ipcc_factors_entsoe_g_kwh.csv").open() as text:
        factors = read_factors(text)
    with gzip.open(CARBON / "entsoe_derived_carbon_intensity_hourly_2020_fr_gb.csv.gz", "rt") as text:
        published = {row["hour_utc"]: row["FR_g_kwh"] for row in csv.DictReader(text)}
    with gzip.open(CARBON / "fr_generation_mix_mw_2020.csv.gz", "rt") as text:
        reading = read_mix(text, factors, zone="FR", quantity=Quantity.LIFECYCLE)
        worked_out = {f"{hour:%Y-%m-%dT%H:%MZ}": value for _index, hour, value, _estimate in reading.cells}
    assert set(worked_out) == set(published)
    same = [hour for hour, value in published.items() if value and D(value) == worked_out[hour]]
    assert len(same) == 9287
    assert len(published) == 9288
    assert reading.left_out == {"without_factor": 1}  # Waste


def test_the_first_and_the_last_hour_of_the_years_that_are_read_are_read() -> None:
    text = "hour_utc,FR\n1990-01-01T00:00Z,1\n2100-12-31T23:00Z,2\n"
    assert [hour.year for _index, hour, *_more in read_table(lines(text), PRICES).cells] == [1990, 2100]


def test_a_mix_of_a_year_that_is_not_read_is_refused() -> None:
    mixed = lines("hour,Solar\n9999-12-31 23:00,100\n")
    with pytest.raises(Malformed, match="line 2: years"):
        list(read_mix(mixed, {"Solar": D(46)}, zone="FR", quantity=Quantity.LIFECYCLE).cells)


@pytest.mark.parametrize(
    "powers", ["999999999,-999999998.999999", "-10,10.1", "1,-0.9"], ids=["beyond all", "below zero", "twice"]
)
def test_a_mean_that_cannot_be_right_is_refused(powers: str) -> None:
    mixed = lines(f"hour,Lignite,Solar\n2023-01-01 12:00,{powers}\n")
    factors = {"Lignite": D(1200), "Solar": D(46)}
    with pytest.raises(Malformed, match="line 2: absurd_lifecycle"):
        list(read_mix(mixed, factors, zone="FR", quantity=Quantity.LIFECYCLE).cells)


def test_factors_and_mixes_that_are_neither_are_refused() -> None:
    with pytest.raises(Malformed, match="factor_header"):
        read_factors(lines("source,grams\n"))
    with pytest.raises(Malformed, match="factor_once"):
        read_factors(lines("source,g_co2eq_per_kwh\nSolar,46\nSolar,47\n"))
    with pytest.raises(Malformed, match="mix_header"):
        read_mix(lines("hour,Tides\n"), {"Solar": D(46)}, zone="FR", quantity=Quantity.LIFECYCLE)


YEARS = "iso3,country,year,carbon_intensity_g_kwh\n"


def test_the_year_that_stands_in_is_its_own_else_the_last_before_else_the_first_after() -> None:
    years = {2020: D(1), 2022: D(2)}
    assert [nearest(years, year) for year in (2022, 2021, 2030, 2019)] == [2022, 2020, 2022, 2020]
    assert nearest({}, 2022) is None


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ("FR,France,2022,84.9\n", "country"),
        ("FRA,France,22,84.9\n", "year"),
        ("FRA,France,2022,-1\n", "absurd_lifecycle"),
        ("FRA,France,2022,84.9\n" * 2, "value_once"),
        ("FRA,France,2022\n", "columns"),
    ],
)
def test_a_country_in_a_year_that_is_not_right_is_named(row: str, wanted: str) -> None:
    with pytest.raises(Malformed, match=wanted):
        list(read_years(lines(YEARS + row)))
