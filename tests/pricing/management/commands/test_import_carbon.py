from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from pricing.domain.hourly.values import Basis
from pricing.models import HourlyImport, HourlyValue, YearlyIntensity
from pricing.selectors.hourly import hourly

pytestmark = pytest.mark.django_db
REAL = Path(__file__).parents[5] / "shared/data/carbon"
needs_real = pytest.mark.skipif(not REAL.exists(), reason=f"the real intensities are not at {REAL}")
HOUR = timedelta(hours=1)
D = Decimal


def run(path: Path, **options: Any) -> str:
    out = StringIO()
    call_command("import_carbon", str(path), stdout=out, **{"source": "A test", **options})
    return out.getvalue()


@needs_real
def test_a_whole_real_year_is_stored_to_the_hundredth_of_a_gram() -> None:
    """Electricity Maps, 2023: eight zones, lifecycle and direct."""
    path = REAL / "electricitymaps_carbon_intensity_hourly_2023.csv.gz"
    run(path)
    by_hand: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    with gzip.open(path, "rt") as text:
        for row in csv.DictReader(text):
            month = row.pop("hour_utc")[:7]
            for column, value in row.items():
                if value:
                    by_hand[column, month].append(D(value))
    columns = {"lifecycle": "lca", "direct": "direct"}
    months = (
        HourlyValue.objects.annotate(month=TruncMonth("hour", tzinfo=UTC))
        .values_list("series__zone", "series__quantity", "month")
        .annotate(Count("value"), Sum("value"))
    )
    stored = {
        (f"{zone}_{columns[kind]}_g_kwh", f"{month:%Y-%m}"): (count, total)
        for zone, kind, month, count, total in months
    }
    assert stored == {key: (len(values), sum(values)) for key, values in by_hand.items()}
    assert HourlyImport.objects.get().values == 8760 * 16


@needs_real
def test_two_real_hours_of_germany_emit_what_was_worked_out_by_hand() -> None:
    """24 March 2023, 00:00 and 01:00 UTC, 3 kWh each, held against the lines of the file."""
    run(REAL / "electricitymaps_carbon_intensity_hourly_2023.csv.gz", zone="")
    start = datetime(2023, 1, 1, tzinfo=UTC)
    found = hourly(zone="DE-LU", start=start, end=start + 2 * HOUR).lifecycle
    grams = sum(3 * (hour.value or D(0)) for hour in found.hours)
    assert grams == 3 * (D("185.8") + D("185.7"))
    assert found.coverage.reported == 2


@needs_real
def test_the_real_generation_of_france_is_imported_as_intensity() -> None:
    said = run(
        REAL / "fr_generation_mix_mw_2020.csv.gz", zone="FR", factors=REAL / "ipcc_factors_entsoe_g_kwh.csv"
    )
    assert "9288 values, 9288 added" in said
    assert "left out: 1 (without_factor)" in said
    start = datetime(2019, 12, 20, tzinfo=UTC)
    assert hourly(zone="FR", start=start, end=start + HOUR).lifecycle.mean == D("42.341")


@needs_real
def test_the_real_intensities_of_2020_need_their_kind_named() -> None:
    path = REAL / "entsoe_derived_carbon_intensity_hourly_2020_fr_gb.csv.gz"
    with pytest.raises(CommandError, match="does not say whether it is lifecycle or direct"):
        run(path)
    assert "2 series" in run(path, kind="lifecycle")
    assert HourlyValue.objects.filter(series__zone="GB").count() > 9000


@needs_real
def test_the_real_countries_stand_in_for_hours_that_nobody_has() -> None:
    said = run(REAL / "country_yearly_carbon_intensity_owid.csv", countries=True)
    assert "213 values, 213 added" in said
    assert YearlyIntensity.objects.get(country="DE").year == 2023
    start = datetime(2023, 1, 1, tzinfo=UTC)
    (hour,) = hourly(zone="DE-LU", start=start, end=start + HOUR).lifecycle.hours
    assert hour.basis is Basis.YEARLY
    assert "213 values, 0 added, 0 changed" in run(
        REAL / "country_yearly_carbon_intensity_owid.csv", countries=True
    )


MIX = ",Nuclear,Solar\n2020-01-01 00:00:00,300,100\n"
FACTORS = "source,g_co2eq_per_kwh\nNuclear,16\nSolar,46\n"


def test_a_mix_goes_with_its_zone_and_without_countries(tmp_path: Path) -> None:
    (tmp_path / "mix.csv").write_text(MIX)
    (tmp_path / "factors.csv").write_text(FACTORS)
    for options in ({}, {"zone": "FR", "countries": True}):
        with pytest.raises(CommandError, match="--factors needs --zone"):
            run(tmp_path / "mix.csv", factors=tmp_path / "factors.csv", **options)
    run(tmp_path / "mix.csv", factors=tmp_path / "factors.csv", zone="FR")
    assert HourlyValue.objects.get().value == D("23.5")


@pytest.mark.parametrize(
    ("mix", "factors", "sentence"),
    [
        (MIX, "source,grams\n", "the columns of the factors are source, g_co2eq_per_kwh"),
        (MIX, FACTORS + "Solar,1\n", "each source has one factor in g/kWh: “Solar”"),
        ("a,Tides\n", FACTORS, "each other one the MW of a source that the factors name"),
        (MIX.replace("300", "x"), FACTORS, "Line 2: “x” is not a number"),
        (MIX.replace("00:00:00", "00:30:00"), FACTORS, "is not the beginning of an hour"),
    ],
)
def test_a_mix_that_is_not_right_is_named(tmp_path: Path, mix: str, factors: str, sentence: str) -> None:
    (tmp_path / "mix.csv").write_text(mix)
    (tmp_path / "factors.csv").write_text(factors)
    with pytest.raises(CommandError, match="Nothing was imported") as refused:
        run(tmp_path / "mix.csv", factors=tmp_path / "factors.csv", zone="FR")
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("XXX,Nowhere,2022,84.9", "“XXX” is not the code of a country"),
        ("FRA,France,2022,", "the file has no value at all"),
        ("FRA,France,2022,9000", "9000 g/kWh cannot be right"),
    ],
)
def test_countries_that_are_not_right_are_named(tmp_path: Path, row: str, sentence: str) -> None:
    (tmp_path / "a.csv").write_text(f"iso3,country,year,carbon_intensity_g_kwh\n{row}\n")
    with pytest.raises(CommandError) as refused:
        run(tmp_path / "a.csv", countries=True)
    assert sentence in str(refused.value)
    assert not YearlyIntensity.objects.exists()
