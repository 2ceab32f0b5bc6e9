from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import IntegrityError

from common import clock
from ledger.errors import EntryRefused
from ledger.models import Entry
from pricing.domain.hourly.entsoe import MOST_HOURS
from pricing.domain.hourly.values import Malformed
from pricing.errors import ImportRefused
from pricing.models import HourlyImport, HourlySeries, HourlyValue, ReplacedValue, YearlyIntensity
from pricing.services.hourly.sentences import sentence_of
from pricing.services.hourly.storing import MOST_SERIES
from tests import factories
from tests.races import at_once

NOON = datetime(2023, 6, 1, 12, tzinfo=UTC)


def table(value: str, hours: int = 1) -> str:
    rows = (f"{NOON + timedelta(hours=step):%Y-%m-%dT%H:%MZ},{value}\n" for step in range(hours))
    return "hour_utc,FR\n" + "".join(rows)


# --- the database has the last word ------------------------------------------------------------------
@pytest.mark.django_db
def test_a_value_changes_with_an_import_alone_and_never_goes() -> None:
    factories.import_hours(table("1"))
    value = HourlyValue.objects.all()
    for change in (
        lambda: value.update(value=2),
        lambda: value.update(hour=NOON - timedelta(hours=1)),
        lambda: value._raw_delete("default"),
        lambda: HourlyImport.objects.update(source="Another"),
        lambda: HourlyImport.objects.all()._raw_delete("default"),
        lambda: HourlySeries.objects.update(zone="DE"),
        lambda: HourlySeries.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()


@pytest.mark.django_db
def test_what_was_replaced_and_a_country_s_year_never_change() -> None:
    factories.import_hours(table("1"))
    factories.import_hours(table("2"))
    factories.import_hours(
        "iso3,country,year,carbon_intensity_g_kwh\nFRA,France,2022,84.9\n", content="countries"
    )
    for rows in (ReplacedValue.objects, YearlyIntensity.objects):
        assert rows.exists()
        with pytest.raises(ProgrammingError), transaction.atomic():
            rows.all()._raw_delete("default")
    with pytest.raises(ProgrammingError), transaction.atomic():
        ReplacedValue.objects.update(value=3)
    with pytest.raises(ProgrammingError), transaction.atomic():
        YearlyIntensity.objects.update(g_per_kwh=3)


@pytest.mark.django_db
def test_a_value_belongs_to_a_series_and_an_import_that_are_there() -> None:
    factories.import_hours(table("1"))
    series, record = HourlySeries.objects.get(), HourlyImport.objects.get()
    for series_id, record_id in ((series.pk + 1, record.pk), (series.pk, record.pk + 1)):
        with pytest.raises(ProgrammingError, match="belongs to a series"), transaction.atomic():
            HourlyValue.objects.create(
                series_id=series_id, hour=NOON - timedelta(hours=1), value=1, came_with_id=record_id
            )


@pytest.mark.django_db
def test_a_value_begins_on_the_hour() -> None:
    factories.import_hours(table("1"))
    series, record = HourlySeries.objects.get(), HourlyImport.objects.get()
    with pytest.raises(IntegrityError, match="hourly_value_begins_on_the_hour"), transaction.atomic():
        HourlyValue.objects.create(
            series=series, hour=NOON + timedelta(minutes=30), value=1, came_with=record
        )


# --- what is recorded --------------------------------------------------------------------------------
@pytest.mark.django_db
def test_an_import_is_not_recorded_before_the_one_that_it_corrects() -> None:
    """Its moment was read first, and it waited."""
    later = clock.now()
    factories.import_hours(table("1"), at=later)
    done = factories.import_hours(table("2"), at=later - timedelta(minutes=1))
    assert done.record
    assert done.record.at == later


@pytest.mark.django_db
@pytest.mark.parametrize("said", [{"source": " "}, {"content": "weather"}])
def test_what_is_not_said_rightly_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused):
        factories.import_hours(table("1"), **said)


@pytest.mark.django_db
def test_an_import_stands_in_the_ledger_with_the_digest_of_its_file() -> None:
    done = factories.import_hours(table("1", 3), source="RTE éCO2mix")
    assert done.record
    assert done.record.entry
    fact = done.record.entry.fact
    assert (fact["kind"], fact["body"]["digest"]) == ("hourly_import", done.record.sha256)
    assert (fact["body"]["source"], fact["body"]["added"]) == ("RTE éCO2mix", 3)
    count = Entry.objects.count()
    factories.import_hours(table("1", 3))
    assert Entry.objects.count() == count  # nothing changed


@pytest.mark.django_db
def test_a_source_that_names_an_address_of_a_person_is_refused() -> None:
    with pytest.raises(EntryRefused) as refused:
        factories.import_hours(table("1"), source="from ada@example.org")
    assert refused.value.field == "source"
    assert not HourlyValue.objects.exists()


@pytest.mark.django_db
def test_a_name_of_several_lines_becomes_one() -> None:
    done = factories.import_hours(table("1"), name="a\nb.csv", source="A\r\nB")
    assert done.record
    assert (done.record.file_name, done.record.source) == ("a b.csv", "A B")


@pytest.mark.django_db
def test_a_file_of_more_series_than_can_be_counted_is_refused() -> None:
    """Each of them may reach from 1990 to 2100: 973,000 hours missing."""
    zones = [f"FR-{number}" for number in range(MOST_SERIES + 1)]
    ends = ("1990-01-01T00:00Z", "2100-12-31T23:00Z")
    rows = [f"{end}{',1' * len(zones)}\n" for end in ends]
    with pytest.raises(ImportRefused, match="more than 1,000 series"):
        factories.import_hours(f"hour_utc,{','.join(zones)}\n" + "".join(rows))
    kept = zones[:-1]
    rows = [f"{end}{',1' * len(kept)}\n" for end in ends]
    done = factories.import_hours(f"hour_utc,{','.join(kept)}\n" + "".join(rows))
    assert done.record
    assert done.record.missing == MOST_SERIES * (40_542 * 24 - 2)


# --- two at once -------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_of_two_files_at_once_one_replaces_the_other_and_nothing_is_lost() -> None:
    """Each of eight brings another value for the same hours: eight times something was replaced."""
    hours = 20
    factories.import_hours(table("0", hours))  # the series is there: its row alone makes them wait
    results = at_once(
        *(lambda value=value: factories.import_hours(table(value, hours)) for value in "12345678"),
        meeting_at=HourlySeries,
    )
    assert not [one for one in results if isinstance(one, Exception)]
    assert HourlyImport.objects.count() == 9
    assert ReplacedValue.objects.count() == 8 * hours
    last = HourlyImport.objects.latest("pk")
    assert set(HourlyValue.objects.values_list("came_with", flat=True)) == {last.pk}
    assert [one.added + one.changed for one in HourlyImport.objects.order_by("pk")] == [hours] * 9
    with connection.cursor() as cursor:  # each replaced value ends where the next one begins
        cursor.execute(
            "SELECT count(*) FROM pricing_replacedvalue WHERE replaced_with_id <> came_with_id + 1"
        )
        assert cursor.fetchone() == (0,)


def test_too_many_hours_are_told_with_the_limit_how_many_there_are_and_what_would_do() -> None:
    said = sentence_of(Malformed(7, "many_hours", "1,025,616"))
    assert f"comes to 1,025,616 hours, and {MOST_HOURS:,} can be read at once" in said
    assert "a year at a time" in said
