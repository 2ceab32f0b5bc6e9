"""Numbers, money, times and lengths as people read them, in English and French."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from common import formats

MOMENT = datetime(2026, 11, 24, 13, 0, 14, tzinfo=UTC)


@pytest.fixture(params=["en", "fr"])
def language(request: Any) -> Any:
    with translation.override(request.param), timezone.override(ZoneInfo("Europe/Paris")):
        yield request.param


@pytest.fixture
def read(language: str) -> Any:
    """Expect the first text in English, the second in French; ` ` stands for U+00A0, `_` for U+202F."""

    def compare(shown: str, english: str, french: str) -> None:
        wanted = english if language == "en" else french
        assert shown.replace("\u00a0", " ").replace("\u202f", "_") == wanted

    return compare


def test_numbers_are_grouped(read: Any) -> None:
    read(formats.number(Decimal("1378.16"), 2), "1,378.16", "1_378,16")


def test_a_number_keeps_the_digits_it_has(read: Any) -> None:
    read(formats.number(Decimal("0.569000")), "0.569000", "0,569000")


def test_halves_round_away_from_zero(read: Any) -> None:
    read(formats.number(Decimal("0.125"), 2), "0.13", "0,13")
    read(formats.number(Decimal("-0.125"), 2), "−0.13", "−0,13")


def test_a_float_is_read_as_written(read: Any) -> None:
    read(formats.number(0.1), "0.1", "0,1")


def test_minus_is_a_minus_sign(read: Any) -> None:
    read(formats.signed(Decimal("-0.05"), 2), "−0.05", "−0,05")


def test_plus_is_written_and_zero_has_no_sign(read: Any) -> None:
    read(formats.signed(Decimal("0.09"), 2), "+0.09", "+0,09")
    read(formats.signed(Decimal("0.001"), 2), "0.00", "0,00")
    read(formats.signed(Decimal("-0.001"), 2), "0.00", "0,00")


def test_a_ratio_becomes_a_percentage(read: Any) -> None:
    read(formats.percent(Decimal("0.462")), "46.2 %", "46,2_%")
    read(formats.signed_percent(Decimal("-0.374")), "−37.4 %", "−37,4_%")


def test_money_names_its_currency(read: Any) -> None:
    read(formats.money(Decimal("16.78")), "EUR 16.78", "16,78_€")
    read(formats.money(Decimal("12.51988"), 6), "EUR 12.519880", "12,519880_€")
    read(formats.money(1, 0, "SEK"), "SEK 1", "1_SEK")


def test_hours_of_devices_have_a_singular(read: Any) -> None:
    """French counts as one all that is below two."""
    read(formats.device_hours(1), "1 device-hour", "1 heure-appareil")
    read(formats.device_hours(20), "20 device-hours", "20 heures-appareil")
    read(formats.device_hours(Decimal("1.5"), 2), "1.50 device-hours", "1,50 heure-appareil")
    read(formats.device_hours(Decimal(1), 2), "1.00 device-hours", "1,00 heure-appareil")
    read(formats.device_hours(2000, 1), "2,000.0 device-hours", "2_000,0 heures-appareil")
    read(formats.device_hours(None), "–", "–")


def test_a_moment_is_told_in_the_readers_zone(read: Any) -> None:
    read(formats.moment(MOMENT), "Tue 24 Nov, 14:00", "mar. 24 nov. à 14:00")
    read(formats.moment_with_year(MOMENT), "24 November 2026, 14:00", "24 novembre 2026 à 14:00")
    read(formats.clock_time(MOMENT), "14:00", "14:00")
    read(formats.clock_seconds(MOMENT), "14:00:14", "14:00:14")


def test_the_day_is_the_readers_day(read: Any) -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    read(formats.day(late), "Wed 25 Nov", "mer. 25 nov.")
    read(formats.long_day(date(2026, 11, 24)), "24 November 2026", "24 novembre 2026")
    read(formats.month(date(2026, 11, 24)), "November 2026", "novembre 2026")


def test_the_first_of_a_month_is_an_ordinal_in_french(read: Any) -> None:
    read(formats.long_day(date(2026, 12, 1)), "1 December 2026", "1er décembre 2026")
    read(formats.moment(datetime(2026, 12, 1, 0, 1, tzinfo=UTC)), "Tue 1 Dec, 01:01", "mar. 1er déc. à 01:01")
    read(formats.long_day(date(2026, 12, 11)), "11 December 2026", "11 décembre 2026")


def test_a_colon_has_its_space_in_french(read: Any) -> None:
    read(f"x{formats.colon()}y", "x: y", "x_: y")


def test_the_zone_is_called_by_its_city(read: Any) -> None:
    read(formats.zone_name(), "Paris", "Paris")


@pytest.mark.parametrize(
    ("length", "english"),
    [
        (timedelta(hours=3, minutes=18), "3 h 18 min"),
        (timedelta(hours=6), "6 h"),
        (timedelta(seconds=14), "14 s"),
        (timedelta(0), "0 s"),
        (timedelta(days=2, hours=4, minutes=59), "2 d 4 h"),
        (timedelta(days=2, minutes=59), "2 d"),
        (timedelta(minutes=-90), "−1 h 30 min"),
        (61, "1 min 1 s"),
    ],
)
def test_a_length_is_told_in_its_two_largest_units(length: Any, english: str) -> None:
    with translation.override("en"):
        assert formats.duration(length).replace("\u00a0", " ") == english


def test_memory_is_counted_as_its_makers_do(read: Any) -> None:
    read(formats.memory(80 * 2**30), "80 GB", "80 Go")
    read(formats.memory(2048 * 2**30), "2,048 GB", "2_048 Go")
    read(formats.memory(5 * 2**29), "2.5 GB", "2,5 Go")
    read(formats.memory(None), "–", "–")


def test_sizes_are_powers_of_a_thousand(read: Any) -> None:
    read(formats.size(2_100_000_000), "2.1 GB", "2,1 Go")
    read(formats.size(184_000_000), "184 MB", "184 Mo")
    read(formats.size(12), "12 B", "12 o")


def test_a_digest_shows_its_ends() -> None:
    assert formats.digest(bytes.fromhex("c81f9a52" + "00" * 26 + "7e04")) == "c81f9a52…7e04"
    assert formats.digest("short") == "short"


@pytest.mark.parametrize("write", [formats.number, formats.signed, formats.percent, formats.money])
def test_what_is_not_known_is_a_dash(write: Any) -> None:
    assert write(None) == "–"


@pytest.mark.parametrize(
    "write", [formats.moment, formats.day, formats.duration, formats.size, formats.digest]
)
def test_what_has_not_been_is_a_dash(write: Any) -> None:
    assert write(None) == "–"
