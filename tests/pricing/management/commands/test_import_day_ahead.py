from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from pricing.domain.cost import electricity_cost
from pricing.models import HourlyImport, HourlyValue, ReplacedValue

pytestmark = pytest.mark.django_db
# Whole years of 5 and 40 zones (RTE éCO2mix, ENTSO-E Transparency Platform), where they are at hand.
REAL = Path(__file__).parents[5] / "shared/data/electricity_prices"
YEARS = [2022, 2023]
D = Decimal
# Four of its hours: FR, 1 October 2023, 00:00 to 04:00 in Paris, EUR/MWh (RTE éCO2mix).
FOUR_HOURS = """hour_utc,FR
2023-09-30T22:00Z,102.73
2023-09-30T23:00Z,94.14
2023-10-01T00:00Z,88.60
2023-10-01T01:00Z,36.15
"""
HEAD = "hour_utc,FR,DE-LU\n"


def run(path: Path, text: str | None = None, **options: Any) -> str:
    if text is not None:
        path.write_text(text)
    out = StringIO()
    call_command("import_day_ahead", str(path), stdout=out, **{"source": "A test", **options})
    return out.getvalue()


def real(year: int) -> Path:
    return REAL / f"day_ahead_eur_mwh_{year}.csv.gz"


def prices(zone: str, start: datetime, end: datetime) -> list[Decimal]:
    hours = HourlyValue.objects.filter(series__zone=zone, hour__gte=start, hour__lt=end)
    return list(hours.order_by("hour").values_list("value", flat=True))


def four_hours_of_paris() -> list[Decimal]:
    paris = ZoneInfo("Europe/Paris")
    return prices("FR", datetime(2023, 10, 1, 0, tzinfo=paris), datetime(2023, 10, 1, 4, tzinfo=paris))


def test_four_real_hours_of_local_time_cost_what_was_worked_out_by_hand(tmp_path: Path) -> None:
    """At 2.5 kW and a PUE of 1.2, 0.96486 EUR."""
    run(tmp_path / "a.csv", FOUR_HOURS)
    cost = electricity_cost(
        kilowatt_hours=[Decimal("2.5")] * 4,
        pue=Decimal("1.2"),
        prices=[price / 1000 for price in four_hours_of_paris()],
    )
    assert cost == Decimal("0.96486")


def by_hand(year: int) -> dict[tuple[str, str], list[Decimal]]:
    """Zone and month to the values of the file, read without anything of ours."""
    found: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    with gzip.open(real(year), "rt") as text:
        for row in csv.DictReader(text):
            hour = row.pop("hour_utc")
            for zone, price in row.items():
                if price:
                    found[zone, hour[:7]].append(D(price))
    return found


@pytest.mark.skipif(not REAL.exists(), reason=f"the real prices are not at {REAL}")
@pytest.mark.parametrize("year", YEARS)
def test_a_whole_real_year_is_stored_to_the_cent_with_its_clock_changes(year: int) -> None:
    said = run(real(year))
    months = (
        HourlyValue.objects.annotate(month=TruncMonth("hour", tzinfo=UTC))
        .values_list("series__zone", "month")
        .annotate(Count("value"), Sum("value"))
    )
    stored = {(zone, f"{month:%Y-%m}"): (count, total) for zone, month, count, total in months}
    expected = {key: (len(values), sum(values)) for key, values in by_hand(year).items()}
    assert stored == expected
    record = HourlyImport.objects.get()
    values = sum(count for count, _total in expected.values())
    zones = {zone for zone, _month in expected}
    assert (record.values, record.added, record.changed) == (values, values, 0)
    assert record.missing == 8760 * len(zones) - values
    assert len(zones) == {2022: 5, 2023: 40}[year]
    assert f"{values} values, {values} added, 0 changed" in said
    require_clock_changes(year)
    # Slovenia, 2 July 2023, 14:00 local: −1,413.94 EUR/MWh, where the market ends at −500.
    assert record.doubtful == {2022: 0, 2023: 1}[year]


def require_clock_changes(year: int) -> None:
    """The source dropped the two hours that local time names twice: in autumn they are missing."""
    for day, hours, known in (
        ({2022: datetime(2022, 3, 27), 2023: datetime(2023, 3, 26)}[year], 23, 23),
        ({2022: datetime(2022, 10, 30), 2023: datetime(2023, 10, 29)}[year], 25, 23),
    ):
        start = day.replace(tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)
        end = (day + timedelta(days=1)).replace(tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)
        assert (end - start) // timedelta(hours=1) == hours
        assert len(prices("FR", start, end)) == known


def test_it_says_per_zone_what_it_read_and_what_was_missing(tmp_path: Path) -> None:
    said = run(tmp_path / "a.csv", HEAD + "2023-01-01T00:00Z,-0.1,\n2023-01-01T01:00Z,2,3.5\n").splitlines()
    assert said[2].split() == ["FR", "day_ahead", "2", "0", "0", "2", "0"]
    assert said[3].split() == ["DE-LU", "day_ahead", "1", "1", "0", "1", "0"]
    assert said[4].endswith("values a second.")


def test_hours_without_a_line_are_missing_too(tmp_path: Path) -> None:
    run(tmp_path / "a.csv", "hour_utc,FR\n2023-01-01T00:00Z,1\n2023-01-01T04:00Z,1\n")
    record = HourlyImport.objects.get()
    assert (record.values, record.missing) == (2, 3)


def test_an_import_says_who_when_which_bytes_and_from_where(tmp_path: Path) -> None:
    run(tmp_path / "a.csv", FOUR_HOURS, source="RTE éCO2mix", licence="Licence Ouverte 2.0")
    record = HourlyImport.objects.get()
    assert (record.source, record.licence, record.file_name) == (
        "RTE éCO2mix",
        "Licence Ouverte 2.0",
        "a.csv",
    )
    assert record.sha256 == "714d26b49bee1a00fca61eec4537ae5c3fa4f996a96c330abfd8916c695f7115"
    assert (record.first_hour, record.last_hour) == (
        datetime(2023, 9, 30, 22, tzinfo=UTC), datetime(2023, 10, 1, 1, tzinfo=UTC)
    )  # fmt: skip


def test_importing_again_changes_nothing_and_records_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    run(path, HEAD + "2023-01-01T00:00Z,1,2\n")
    kept = list(HourlyValue.objects.order_by("pk").values())
    assert "0 added, 0 changed" in run(path)
    assert list(HourlyValue.objects.order_by("pk").values()) == kept
    assert HourlyImport.objects.count() == 1
    assert not ReplacedValue.objects.exists()


def test_a_corrected_file_changes_what_differs_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    run(path, HEAD + "2023-01-01T00:00Z,1,2\n2023-01-01T01:00Z,3,4\n")
    assert "1 added, 1 changed" in run(path, HEAD + "2023-01-01T00:00Z,1,2.5\n2023-01-01T02:00Z,,6\n")
    assert prices("DE-LU", datetime(2023, 1, 1, tzinfo=UTC), datetime(2023, 1, 2, tzinfo=UTC)) == [
        D("2.5"),
        4,
        6,
    ]
    (before,) = ReplacedValue.objects.all()
    first, second = HourlyImport.objects.order_by("id")
    assert (before.value, before.came_with, before.replaced_with) == (2, first, second)
    assert HourlyValue.objects.get(series__zone="FR", hour__hour=0).came_with == first


def test_a_missing_value_takes_no_known_one_away(tmp_path: Path) -> None:
    run(tmp_path / "a.csv", HEAD + "2023-01-01T00:00Z,1,2\n")
    run(tmp_path / "a.csv", HEAD + "2023-01-01T00:00Z,,3\n")
    assert HourlyValue.objects.filter(series__zone="FR").count() == 1


def test_several_files_are_several_imports(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("hour_utc,FR\n2024-01-01T00:00Z,1\n")
    (tmp_path / "a.csv").write_text("hour_utc,FR\n2023-01-01T00:00Z,1\n")
    out = StringIO()
    call_command(
        "import_day_ahead", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), source="A test", stdout=out
    )
    assert "b.csv (2 of 2)" in out.getvalue()
    assert HourlyImport.objects.count() == 2


def test_it_unpacks_what_is_packed_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress((HEAD + "2023-01-01T00:00Z,1,2\n").encode()))
    assert "2 added" in run(path)


def test_it_says_where_the_figures_come_from_or_imports_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--source"):
        call_command("import_day_ahead", str(tmp_path / "a.csv"))
    with pytest.raises(CommandError, match="Say where the figures come from"):
        run(tmp_path / "a.csv", FOUR_HOURS, source=" ")


def test_a_file_with_another_zone_than_the_one_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the file holds DE-LU, and only the zone that you named"):
        run(tmp_path / "a.csv", HEAD + "2023-01-01T00:00Z,1,2\n", zone="FR")
    assert not HourlyValue.objects.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Line 1: the columns are hour_utc and one for each zone"),
        ("hour,FR\n", "not “hour,FR”"),
        ("hour_utc;FR\n", "Line 1: “hour_utc;FR” is separated by semicolons"),
        ("hour_utc\n", "Line 1: each zone is named once"),
        ("hour_utc,FR\n", "Line 1: the file has no value at all"),
        ("hour_utc,FR\n2023-01-01T00:00Z,\n", "Line 1: the file has no value at all"),
        ("hour_utc,FR,FR\n", "Line 1: each zone is named once: FR, FR"),
        ("hour_utc,=1+1\n", "Line 1: “=1+1” is not the name of a bidding zone"),
        ("hour_utc,FR_lca_g_kwh\n", "“FR_lca_g_kwh” is a carbon intensity, and prices are imported here"),
        (HEAD + "2023-01-01T00:00Z,1,2\n2023-01-01T01:00Z,1\n", "Line 3: columns found and wanted: 2/3"),
        (HEAD + "2023-01-01T00:30Z,1,2\n", "Line 2: “2023-01-01T00:30Z” is not the beginning of an hour"),
        (HEAD + "2023-02-30T00:00Z,1,2\n", "Line 2: “2023-02-30T00:00Z” is not"),
        (HEAD + "2023-01-01T00:00+01:00,1,2\n", "Line 2: “2023-01-01T00:00+01:00” is not"),
        (HEAD + "2023-01-01T00:00Z,1,2\n" * 2, "Line 3: 2023-01-01T00:00Z stands here for the second time"),
        (HEAD + "2023-01-01T00:00Z,1,abc\n", "Line 2: “abc” is not a number"),
        (HEAD + "2023-01-01T00:00Z,1,NaN\n", "Line 2: “NaN” is not a number"),
        (HEAD + "2023-01-01T00:00Z,1,1.23456\n", "Line 2: “1.23456” is not a number"),
        (HEAD + '2023-01-01T00:00Z,1,"1,5"\n', "Line 2: “1,5” has a decimal comma; write a point"),
        (HEAD + "2023-01-01T00:00Z,1,1e9\n", "Line 2: “1e9” is not a number"),
        (HEAD + "2023-01-01T00:00Z,1,99999\n", "Line 2: 99999 EUR/MWh cannot be right"),
        (HEAD + '2023-01-01T00:00Z,1,"2\n', "no CSV file"),
        ("<xml/>", "the document is a “xml”, not a Publication_MarketDocument"),
        ("<Acknowledgement_MarketDocument/>", "ENTSO-E answered without prices"),
    ],
)
def test_a_malformed_line_is_named_and_nothing_is_imported(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CommandError, match="Nothing was imported") as refused:
        run(tmp_path / "a.csv", text)
    assert sentence in str(refused.value)
    assert not HourlyValue.objects.exists()
    assert not HourlyImport.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"hour_utc,FR\n\xff", gzip.compress(b"hour_utc,FR\n" * 99, mtime=0)[:-9], b"PK\x03\x04 and no archive"],
    ids=["not UTF-8", "cut short", "no archive"],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(CommandError, match="Nothing was imported"):
        run(tmp_path / "a.csv")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"absent\.csv cannot be read"):
        run(tmp_path / "absent.csv")
