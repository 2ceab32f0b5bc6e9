from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction

from common import clock
from ledger.models import Entry
from pricing.domain.market.files import OWN_COLUMNS
from pricing.errors import ImportRefused
from pricing.models import ExchangeRate, ListPrice, MarketImport, RetailPrice
from pricing.selectors.market.offers import beside, offers
from pricing.selectors.market.rates import rates_for
from pricing.selectors.retail import retail_prices
from pricing.services.market import Imported, enter_rate, import_file
from tests import factories
from tests.races import at_once

pytestmark = pytest.mark.django_db
REAL = Path(__file__).parents[5] / "shared/data"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LINE = "aws,p5.48xlarge,us-east-1,H100,80,8,USD,55.04,on_demand,2026-05-17"
RATES = "Date,USD,\n2026-05-15,1.1628,\n2026-07-23,1.1392,\n"
needs_files = pytest.mark.skipif(
    not (REAL / "cloud_prices").is_dir(), reason="the shared catalogue files are not here"
)


@pytest.fixture(autouse=True)
def _that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day decides which prices are old and which are still to come."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def given(text: str, *, at: datetime = NOW, **said: Any) -> Imported:
    said = {"source": "A test", "name": "prices.csv", "by": None, **said}
    return import_file(file=BytesIO(text.encode()), at=at, **said)


def own(*lines: str) -> str:
    return "\n".join([",".join(OWN_COLUMNS), *lines])


def test_an_import_is_recorded_with_its_digest_in_the_ledger() -> None:
    done = given(own(LINE), licence="CC0 1.0", address="https://example.org/prices")
    assert done.record is not None
    row = ListPrice.objects.get()
    assert (row.model_key, row.per_device_hour, row.came_with) == (
        "h100-sxm5-80", Decimal("6.88"), done.record
    )  # fmt: skip
    fact = done.record.entry.fact
    assert fact["kind"] == "list_prices"
    assert fact["body"]["digest"] == done.record.sha256
    assert (fact["body"]["content"], fact["body"]["added"]) == ("prices", 1)


@pytest.mark.parametrize("text", [own(LINE), RATES, "gpu,date,price_usd\nNVIDIA L4,2025-06-09,3266"])
def test_the_same_file_twice_changes_nothing(text: str) -> None:
    first = given(text)
    entries = Entry.objects.count()
    again = given(text, at=NOW + timedelta(hours=1))
    assert (again.record, again.added, again.changed) == (None, 0, 0)
    assert again.rows == first.rows
    assert MarketImport.objects.count() == 1
    assert Entry.objects.count() == entries


def test_a_bad_line_leaves_nothing_of_its_file() -> None:
    with pytest.raises(ImportRefused) as refused:
        given(own(LINE, LINE.replace("us-east-1", "eu-west-1").replace("55.04", "0")))
    assert refused.value.message.startswith("Nothing was imported. Line 3, column “price_hour”: “0” comes to")
    assert refused.value.details["line"] == 3
    assert not ListPrice.objects.exists()
    assert not MarketImport.objects.exists()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"source": " "}, "source"),
        ({"address": "ftp://example.org"}, "address"),
        ({"provider": "Â"}, "provider"),
    ],
)
def test_an_import_names_its_source(said: dict[str, str], field: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        given(own(LINE), **said)
    assert refused.value.field == field


def test_a_correction_holds_from_its_import_on_and_what_stood_before_is_still_answered() -> None:
    given(RATES, at=NOW - timedelta(days=3))
    given(own(LINE), at=NOW - timedelta(days=3))
    done = given(own(LINE.replace("55.04", "40")))
    assert (done.added, done.changed) == (0, 1)
    key = "h100-sxm5-80"
    assert beside([key], at=NOW)[key].found.lowest == Decimal("4.299966")  # 5 USD at 1.1628
    assert beside([key], at=NOW - timedelta(days=1))[key].found.lowest == Decimal("5.916753")
    assert beside([key], at=NOW - timedelta(days=4)) == {}
    assert len(offers(key, at=NOW)) == 1


def test_a_rate_is_of_the_day_or_before_and_a_price_without_one_has_no_figure() -> None:
    given(RATES)
    friday, sunday = date(2026, 5, 15), date(2026, 5, 17)
    assert rates_for({("USD", sunday)}, at=NOW)["USD", sunday].on == friday
    assert rates_for({("USD", date(2026, 5, 23)), ("USD", date(2026, 5, 14))}, at=NOW) == {}
    given(own(LINE, LINE.replace("2026-05-17", "2026-06-17").replace("us-east-1", "eu-west-1")))
    known, unknown = offers("h100-sxm5-80", at=NOW)
    assert known.eur == Decimal("5.916753")
    assert (unknown.eur, unknown.rate) == (None, None)
    found = beside(["h100-sxm5-80"], at=NOW)["h100-sxm5-80"].found
    assert (found.offers, found.without_rate) == (1, 1)


def test_kinds_are_never_put_together_and_listings_stand_in_only_where_there_is_no_list_price() -> None:
    given(RATES)
    spot = LINE.replace("55.04,on_demand", "8,spot")
    cheapest = LINE.replace("55.04,on_demand", "16,cheapest")
    given(own(LINE, spot, cheapest))
    key = "h100-sxm5-80"
    assert beside([key], at=NOW)[key].found.lowest == Decimal("5.916753")
    given(own(*(line.replace("p5.48xlarge", "g6").replace("H100,80", "L4,24") for line in (spot, cheapest))))
    l4 = beside(["l4-24"], at=NOW)["l4-24"]
    assert (l4.kind, l4.is_list_price, l4.found.offers) == ("cheapest", False, 1)


def test_a_steward_types_a_rate_and_the_same_again_changes_nothing() -> None:
    steward = factories.make_user("stella", is_steward=True)
    said = {"currency": "GBP", "per_eur": Decimal("0.8338"), "on": date(2026, 10, 30), "source": "ECB"}
    done = enter_rate(**said, by=steward, at=NOW)
    assert done.record is not None
    assert (done.record.format, done.record.by) == ("typed", steward)
    assert ExchangeRate.objects.get().per_eur == Decimal("0.8338")
    assert enter_rate(**said, by=steward, at=NOW).record is None


@pytest.mark.parametrize("model", [ListPrice, RetailPrice, ExchangeRate, MarketImport])
def test_what_was_imported_never_changes(model: Any) -> None:
    given(RATES)
    given(own(LINE))
    given("gpu,date,price_usd\nNVIDIA L4,2025-06-09,3266")
    for change in (lambda: model.objects.update(id=99), lambda: model.objects.all()._raw_delete("default")):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
            change()


# --- the shared files ------------------------------------------------------------------------------------
def run(name: str, **said: Any) -> str:
    out = StringIO()
    call_command("import_list_prices", REAL / name, source="Shared data", stdout=out, **said)
    return out.getvalue()


@needs_files
def test_the_shared_catalogues_are_read_whole_and_say_what_an_independent_reading_says() -> None:
    told = run("cloud_prices/cloud_gpu_instances.csv")
    assert "292 rows of prices, 292 added, 0 changed, 98 not matched." in told
    assert "not matched: aws: NVIDIA Tesla K80 (9)" in told
    assert "left out: 11 (no_price)" in told
    with (REAL / "cloud_prices/cloud_gpu_instances.csv").open() as file:
        columns = {"on_demand": "on_demand_usd_h", "spot": "spot_usd_h", "reserved_1y": "reserved_1y_usd_h"}
        lines = list(csv.DictReader(file))
    counted = Counter(kind for line in lines for kind, column in columns.items() if line[column])
    assert counted == Counter(ListPrice.objects.values_list("kind", flat=True))
    for line in lines:
        for kind, column in columns.items():
            if line[column]:
                row = ListPrice.objects.get(
                    provider=line["provider"], offer=line["instance_type"], region=line["region"],
                    device=line["accelerator"], kind=kind, observed_on=line["as_of"],
                )  # fmt: skip
                each = Decimal(line[column]) / Decimal(line["accelerator_count"])
                assert abs(row.per_device_hour - each) <= Decimal("0.0000005")
    told = run("cloud_prices/oci_gpu_price_list.csv", observed_on=date(2024, 1, 19))
    assert "7 rows of prices, 7 added, 0 changed, 2 not matched." in told
    told = run("cloud_prices/skypilot_catalog_v8_nebius_gpu.csv", provider="nebius",
               observed_on=date(2026, 7, 1))  # fmt: skip
    assert "29 rows of prices, 29 added, 0 changed, 0 not matched." in told
    told = run("cloud_prices/neocloud_cheapest_gpu_hour_2026-07-23.csv")
    assert "107 rows of prices, 107 added, 0 changed, 10 not matched." in told
    assert "29 rows of prices, 0 added" in run(
        "cloud_prices/skypilot_catalog_v8_nebius_gpu.csv", provider="nebius", observed_on=date(2026, 7, 1)
    )
    given("Date,USD\n2026-07-01,1.1\n2026-05-15,1.1628")
    l40s = beside(["l40s-48"], at=clock.now())["l40s-48"].found
    # nebius 1.5484 USD is the lowest of 12 there; the 13th is AWS's g6e of May, 1.861 USD
    assert (l40s.lowest, l40s.offers) == (Decimal("1.407636"), 13)


@needs_files
def test_the_shared_shop_prices_are_read_whole() -> None:
    told = run("hw_specs/gpu_retail_price_history_usd.csv.gz")
    assert "6717 rows of shops, 6717 added, 0 changed, 194 not matched." in told
    assert "not matched: NVIDIA GeForce RTX 4060 Ti (194)" in told
    with gzip.open(REAL / "hw_specs/gpu_retail_price_history_usd.csv.gz", "rt") as file:
        dearest = max(
            (Decimal(row["price_usd"]), row["date"])
            for row in csv.DictReader(file)
            if row["gpu"] == "NVIDIA H100 PCIe 80 GB"
        )
    quotes = retail_prices(["h100-pcie-80"], at=clock.now())["h100-pcie-80"]
    assert len(quotes) == 11
    assert max((quote.usd, quote.day.isoformat()) for quote in quotes) == dearest
    assert "0 added" in run("hw_specs/gpu_retail_price_history_usd.csv.gz")


@needs_files
def test_the_command_says_what_a_file_lacks() -> None:
    with pytest.raises(CommandError, match="does not say its day"):
        run("cloud_prices/oci_gpu_price_list.csv")
    with pytest.raises(CommandError, match="cannot be read"):
        run("cloud_prices/nothing.csv")


@pytest.mark.django_db(transaction=True)
def test_two_importers_take_turns() -> None:
    done = at_once(lambda: given(own(LINE)), lambda: given(own(LINE)), meeting_at=ListPrice)
    assert sorted(one.added for one in done) == [0, 1]
    assert MarketImport.objects.count() == 1
    assert ListPrice.objects.count() == 1
