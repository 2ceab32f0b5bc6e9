from __future__ import annotations

import gzip
from datetime import datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from pricing.domain.cost import electricity_cost
from pricing.models import DayAheadPrice

pytestmark = pytest.mark.django_db
# A whole year of 40 zones (RTE éCO2mix, ENTSO-E Transparency Platform), where it is at hand.
REAL = Path(__file__).parents[5] / "shared/data/electricity_prices/day_ahead_eur_mwh_2023.csv.gz"
# Four of its hours: FR, 1 October 2023, 00:00 to 04:00 in Paris, EUR/MWh (RTE éCO2mix).
FOUR_HOURS = """hour_utc,FR
2023-09-30T22:00Z,102.73
2023-09-30T23:00Z,94.14
2023-10-01T00:00Z,88.60
2023-10-01T01:00Z,36.15
"""
HEAD = "hour_utc,FR,DE-LU\n"


def run(path: Path, text: str | None = None) -> str:
    if text is not None:
        path.write_text(text)
    out = StringIO()
    call_command("import_day_ahead", str(path), stdout=out)
    return out.getvalue()


def four_hours_of_paris() -> list[Decimal]:
    paris = ZoneInfo("Europe/Paris")
    hours = DayAheadPrice.objects.filter(
        zone="FR",
        hour__gte=datetime(2023, 10, 1, 0, tzinfo=paris),
        hour__lt=datetime(2023, 10, 1, 4, tzinfo=paris),
    )
    return [row.eur_per_mwh for row in hours.order_by("hour")]


def test_four_real_hours_of_local_time_cost_what_was_worked_out_by_hand(tmp_path: Path) -> None:
    """At 2.5 kW and a PUE of 1.2, 0.96486 EUR."""
    run(tmp_path / "a.csv", FOUR_HOURS)
    cost = electricity_cost(
        kilowatt_hours=[Decimal("2.5")] * 4,
        pue=Decimal("1.2"),
        prices=[price / 1000 for price in four_hours_of_paris()],
    )
    assert cost == Decimal("0.96486")


@pytest.mark.skipif(not REAL.exists(), reason=f"the real prices are not at {REAL}")
def test_a_whole_real_year_is_read_with_its_missing_hours() -> None:
    said = run(REAL)
    assert four_hours_of_paris() == [Decimal(price) for price in ("102.73", "94.14", "88.60", "36.15")]
    assert len(said.splitlines()) > 40  # a line per zone
    assert DayAheadPrice.objects.filter(zone="BG").count() < 8760  # hours that the source does not have
    assert DayAheadPrice.objects.filter(zone="FR", eur_per_mwh__lt=0).exists()


def test_it_says_per_zone_what_it_read_and_what_was_missing(tmp_path: Path) -> None:
    said = run(tmp_path / "a.csv", HEAD + "2023-01-01T00:00Z,-0.1,\n2023-01-01T01:00Z,2,3.5\n")
    assert said.splitlines()[1].split() == ["FR", "2", "0", "2", "0"]
    assert said.splitlines()[2].split() == ["DE-LU", "1", "1", "1", "0"]
    assert DayAheadPrice.objects.get(zone="FR", eur_per_mwh="-0.1").source == "a.csv"


def test_importing_again_changes_nothing_and_a_changed_price_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    run(path, HEAD + "2023-01-01T00:00Z,1,2\n")
    kept = list(DayAheadPrice.objects.order_by("id").values())
    assert "0 prices added, 0 changed" in run(path)
    assert list(DayAheadPrice.objects.order_by("id").values()) == kept
    assert "0 prices added, 1 changed" in run(path, HEAD + "2023-01-01T00:00Z,1,2.5\n")


def test_it_unpacks_what_is_packed_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress((HEAD + "2023-01-01T00:00Z,1,2\n").encode()))
    assert "2 prices added" in run(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Line 1: the first column is called hour_utc, not “”"),
        ("hour,FR\n", "Line 1: the first column is called hour_utc, not “hour”"),
        ("hour_utc\n", "Line 1: each zone is named once"),
        ("hour_utc,FR,FR\n", "Line 1: each zone is named once: FR, FR"),
        ("hour_utc,=1+1\n", "Line 1: “=1+1” is not the name of a bidding zone"),
        (HEAD + "2023-01-01T00:00Z,1,2\n2023-01-01T01:00Z,1\n", "Line 3: 2 columns"),
        (HEAD + "2023-01-01T00:30Z,1,2\n", "Line 2: “2023-01-01T00:30Z” is not the beginning of an hour"),
        (HEAD + "2023-02-30T00:00Z,1,2\n", "Line 2: “2023-02-30T00:00Z” is not"),
        (HEAD + "2023-01-01T00:00+01:00,1,2\n", "Line 2: “2023-01-01T00:00+01:00” is not"),
        (HEAD + "2023-01-01T00:00Z,1,2\n" * 2, "Line 3: 2023-01-01T00:00Z stands here for the second time"),
        (HEAD + "2023-01-01T00:00Z,1,abc\n", "Line 2: “abc” is not a price"),
        (HEAD + "2023-01-01T00:00Z,1,NaN\n", "Line 2: “NaN” is not a price"),
        (HEAD + "2023-01-01T00:00Z,1,1.234\n", "Line 2: “1.234” is not a price"),
        (HEAD + "2023-01-01T00:00Z,1,1e9\n", "Line 2: “1e9” is not a price"),
        (HEAD + '2023-01-01T00:00Z,1,"2\n', "no CSV file"),
    ],
)
def test_a_malformed_line_is_named_and_nothing_is_imported(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CommandError, match="Nothing was imported") as refused:
        run(tmp_path / "a.csv", text)
    assert sentence in str(refused.value)
    assert not DayAheadPrice.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"hour_utc,FR\n\xff", gzip.compress(b"hour_utc,FR\n" * 99, mtime=0)[:-9]],
    ids=["not UTF-8", "cut short"],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(CommandError, match="Nothing was imported"):
        run(tmp_path / "a.csv")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"absent\.csv cannot be read"):
        run(tmp_path / "absent.csv")
