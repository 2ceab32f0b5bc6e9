"""Open data: what is published is what the schemas say, everybody may have it, and nothing else is in it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from common.open_data import reading
from nodes.models import Node
from pricing.models import HourlyValue, PriceException
from pricing.services.price_exceptions import end_price_exception
from reservations.selectors.catalogue import EVERY
from reservations.views import open_data
from tests import factories
from tests.config.cast import taken_back
from tests.reservations.views.open_world import FORMULA, SECRETS, YEARS, OpenWorld, make_open_world

pytestmark = pytest.mark.django_db
NAMES = [dataset.name for dataset in EVERY]
FRICTIONLESS = Path(sys.executable).with_name("frictionless")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[OpenWorld]:
    """Made once; what a test changes is taken back after it, and at the end all of it."""
    with django_db_blocker.unblock(), taken_back():
        yield make_open_world()


@pytest.fixture(scope="module")
def package(world: OpenWorld) -> dict[str, bytes]:
    """The files of the zip, by name."""
    with ZipFile(BytesIO(body_of(Client().get("/open-data/datapackage.zip")))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def body_of(answer: Any) -> bytes:
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def rows_of(client: Client, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(body_of(client.get(f"/open-data/{name}.json")))
    return rows


def put(files: dict[str, bytes], folder: Path) -> str:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder / "datapackage.json")


# --- the package -------------------------------------------------------------------------------------
def test_frictionless_accepts_the_package(package: dict[str, bytes], tmp_path: Path) -> None:
    told = subprocess.run(
        [FRICTIONLESS, "validate", "--trusted", put(package, tmp_path), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads(told.stdout)
    assert (told.returncode, report["valid"], report["stats"]["errors"]) == (0, True, 0), told.stdout
    assert [task["name"] for task in report["tasks"]] == NAMES
    # Every schema was held against rows: in this world no dataset is empty.
    assert [task["name"] for task in report["tasks"] if not task["stats"]["rows"]] == []


def faults_of(files: dict[str, bytes], folder: Path) -> set[str]:
    """What frictionless says of the package, in this process: half a second instead of three."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from frictionless import system, validate

        with system.use_context(trusted=True):
            report = validate(put(files, folder))
    return {str(kind) for (kind,) in report.flatten(["type"])}


@pytest.mark.parametrize(
    ("name", "right", "wrong", "fault"),
    [
        ("tariffs.csv", b",6.", b",-6.", "constraint-error"),
        ("tariffs.csv", b",6.", b",six.", "type-error"),
        ("electricity-hours.csv", b"reported", b"made up", "constraint-error"),
        ("tariffs.csv", b",6.", b",7.", "hash-count"),
        ("cost-components.csv", b"\r\n0", b"\r\nf", "foreign-key"),
    ],
)  # fmt: skip
def test_a_wrong_value_makes_it_fail(
    package: dict[str, bytes], tmp_path: Path, name: str, right: bytes, wrong: bytes, fault: str
) -> None:
    assert right in package[name]
    found = faults_of({**package, name: package[name].replace(right, wrong, 1)}, tmp_path)
    assert fault in found


def test_every_file_is_what_its_package_says(package: dict[str, bytes], client: Client) -> None:
    described = json.loads(package["datapackage.json"])
    for one in described["resources"]:
        content = package[one["path"]]
        assert one["bytes"] == len(content)
        assert one["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert content == body_of(client.get(f"/open-data/{one['path']}")), (
            "the zip holds what the site sends"
        )
        assert one["schema"] == json.loads(body_of(client.get(f"/open-data/{one['name']}/schema.json")))
        assert one["licenses"][0]["path"].startswith("http")
    online = json.loads(body_of(client.get("/open-data/datapackage.json")))
    assert [one["path"] for one in online["resources"]] == [f"{name}.csv" for name in NAMES]


READ: dict[str, Any] = {
    "string": str, "integer": int, "year": int, "number": Decimal, "object": json.loads,
    "date": date.fromisoformat,
    "boolean": lambda text: {"true": True, "false": False}[text],
    "datetime": datetime.fromisoformat,
}  # fmt: skip


TEXT_IN_JSON = ("number", "date", "datetime")


def test_a_program_that_knows_nothing_but_the_package_reads_all_of_it(
    package: dict[str, bytes], client: Client
) -> None:
    """With the standard library alone: each table typed by its schema, joined by its keys, as in the JSON."""
    tables: dict[str, list[dict[str, Any]]] = {}
    described = json.loads(package["datapackage.json"])["resources"]
    for one in described:
        kinds = {field["name"]: field["type"] for field in one["schema"]["fields"]}
        lines = csv.DictReader(StringIO(package[one["path"]].decode(), newline=""))
        assert lines.fieldnames == list(kinds)
        tables[one["name"]] = [
            {name: READ[kinds[name]](cell) if cell else None for name, cell in line.items()} for line in lines
        ]
        told = [
            {
                name: READ[kinds[name]](value)
                if kinds[name] in ("number", "date", "datetime") and value
                else value
                for name, value in row.items()
            }
            for row in rows_of(client, one["name"])
        ]
        assert [harmless(row) for row in told] == tables[one["name"]]
    for one in described:
        for link in one["schema"].get("foreignKeys", []):
            (its,) = link["reference"]["fields"]
            known = {row[its] for row in tables[link["reference"]["resource"] or one["name"]]}
            assert {row[link["fields"][0]] for row in tables[one["name"]]} - {None} <= known


def harmless(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"'{value}" if isinstance(value, str) and value.startswith("=") else value
        for name, value in row.items()
    }


# --- what is not in it -------------------------------------------------------------------------------
def test_strangers_learn_nothing_that_is_not_public(
    world: OpenWorld, package: dict[str, bytes], client: Client
) -> None:
    every = {name: content.decode() for name, content in package.items()}
    for name in NAMES:
        every |= {
            f"{name}{end}": body_of(client.get(f"/open-data/{name}{end}")).decode() for end in (".jsonl", "/")
        }
    told = [(file, secret) for file, text in every.items() for secret in SECRETS if secret in text.lower()]
    assert told == []
    assert [row["id"] for row in rows_of(client, "nodes") if row["id"] == str(world.hidden.uid)] == []
    assert {row["node"] for row in rows_of(client, "cost-statements")} == {
        row["id"] for row in rows_of(client, "nodes")
    }


def test_the_secrets_would_be_told_if_the_node_were_listed(world: OpenWorld, client: Client) -> None:
    """The test above looks in the right place."""
    Node.objects.filter(pk=world.hidden.pk).update(state=Node.State.LISTED)
    assert "hidden-node" in [row["slug"] for row in rows_of(client, "nodes")]
    assert "Hidden invoice" in [row["title"] for row in rows_of(client, "evidence")]
    assert len(rows_of(client, "cost-statements")) == 3


def test_a_price_that_was_called_off_says_so_and_held_at_no_time(world: OpenWorld, client: Client) -> None:
    called_off = [row for row in rows_of(client, "tariffs") if row["is_called_off"]]
    assert [row["effective_until"] == row["effective_from"] for row in called_off] == [True]
    assert [row["tariff"] for row in rows_of(client, "tariffs-called-off")] == [called_off[0]["id"]]


def test_what_a_source_does_not_let_anybody_pass_on_is_left_out_and_said(
    world: OpenWorld, client: Client
) -> None:
    hours = rows_of(client, "electricity-hours")
    assert [(row["zone"], row["value"], row["unit"], row["source"], row["licence"]) for row in hours] == [
        ("DE-LU", "-12.5", "EUR/MWh", "SMARD", "CC BY 4.0"),
        ("DE-LU", "80.0001", "EUR/MWh", "SMARD", "CC BY 4.0"),
    ]
    imports = rows_of(client, "electricity-imports")
    assert [(row["source"], row["licence"], row["may_be_passed_on"]) for row in imports] == [
        ("SMARD", "CC BY 4.0", True),
        ("An exchange", "All rights reserved", False),
        ("Somebody", None, False),
        ("Ember", "CC BY 4.0", True),
    ]


def test_how_many_rows_a_licence_keeps_back_stands_beside_the_rest(world: OpenWorld, client: Client) -> None:
    kept_back = HourlyValue.objects.exclude(came_with__source="SMARD").count()
    assert kept_back
    said = f"{kept_back} of {kept_back + 2} rows left out: the source’s licence"
    cache.clear()
    assert client.get("/open-data/").content.decode().count(said) == 1
    assert said in client.get("/open-data/electricity-hours/").content.decode()
    assert "rows left out" not in client.get("/open-data/electricity-years/").content.decode()
    assert "rows left out" not in client.get("/open-data/nodes/").content.decode()


def test_of_a_country_s_year_the_last_import_holds(world: OpenWorld, client: Client) -> None:
    factories.import_hours(
        YEARS.replace("France,2022,85", "France,2022,86"), content="countries", licence="CC0"
    )
    years = [(row["country"], row["year"], row["g_per_kwh"]) for row in rows_of(client, "electricity-years")]
    assert years == [("DE", 2022, "385"), ("FR", 2022, "86")]


def test_text_that_a_spreadsheet_would_run_is_text(world: OpenWorld, client: Client) -> None:
    lines = csv.DictReader(StringIO(body_of(client.get("/open-data/nodes.csv")).decode(), newline=""))
    assert {line["owner"] for line in lines} == {f"'{FORMULA}"}
    assert {row["owner"] for row in rows_of(client, "nodes")} == {FORMULA}


# --- how it is sent ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["nodes", "electricity-hours"])
def test_who_has_these_rows_already_is_told_so(world: OpenWorld, client: Client, name: str) -> None:
    """One of them is compared row by row, the other by its last import."""
    first = client.get(f"/open-data/{name}.csv")
    body_of(first)
    again = client.get(f"/open-data/{name}.csv", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Node.objects.filter(pk=world.node.pk).update(name="Gemini 2")
    factories.import_hours(
        "hour_utc,DE-LU\n2023-06-01T12:00Z,-13\n", source="SMARD", licence="CC BY 4.0", name="corrected.csv"
    )
    assert b"Gemini 2" in body_of(client.get("/open-data/nodes.csv"))
    changed = client.get(f"/open-data/{name}.csv", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_it_is_packed_for_who_asks(world: OpenWorld, client: Client) -> None:
    plain = client.get("/open-data/ledger-entries.json")
    packed = client.get("/open-data/ledger-entries.json", headers={"Accept-Encoding": "br, gzip"})
    assert (packed["Content-Encoding"], packed["Vary"]) == ("gzip", plain["Vary"])
    assert "Accept-Encoding" in packed["Vary"]
    assert gzip.decompress(body_of(packed)) == body_of(plain)
    refused = client.get("/open-data/ledger-entries.json", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused
    assert packed["ETag"] != plain["ETag"]


def test_head_says_what_get_would_and_sends_nothing(world: OpenWorld, client: Client) -> None:
    head, get = client.head("/open-data/nodes.csv"), client.get("/open-data/nodes.csv")
    assert (body_of(head), "Content-Length" in head) == (b"", False)
    for name in (
        "ETag",
        "Content-Type",
        "Content-Disposition",
        "Access-Control-Allow-Origin",
        "Cache-Control",
    ):
        assert head[name] == get[name]
    assert get["Content-Disposition"] == 'attachment; filename="nodes.csv"'


@pytest.mark.parametrize(
    "address",
    ["/open-data/people/", "/open-data/people.csv", "/open-data/nodes.xml", "/open-data/people/schema.json"],
)
def test_what_is_no_dataset_is_not_there(world: OpenWorld, client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "Equinode" in answer.content.decode()


def test_who_reads_too_often_waits(world: OpenWorld, client: Client, settings: Any) -> None:
    settings.API_CALLS_PER_ADDRESS = 1
    body_of(client.get("/open-data/nodes.csv"))
    refused = client.get("/open-data/nodes.csv")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_calls")
    assert 0 < int(refused["Retry-After"]) <= 60


def test_no_more_are_read_at_once_than_leave_room_for_pages(world: OpenWorld, client: Client) -> None:
    """A file that somebody reads slowly keeps a connection; one that is not begun keeps none."""
    begun = [client.get("/open-data/ledger-entries.csv") for _number in range(4)]
    reading_them = [iter(answer.streaming_content) for answer in begun[: open_data._AT_ONCE]]
    for one in reading_them:
        next(one)
    busy = client.get("/open-data/nodes.csv")
    assert (busy.status_code, busy["Retry-After"]) == (503, "10")
    assert client.get("/open-data/").status_code == 200
    for one in reading_them:
        list(one)
    assert client.get("/open-data/nodes.csv").status_code == 200


def test_rows_come_through_a_cursor_of_the_server(world: OpenWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, PostgreSQL hands over a batch at a time, and only when asked."""
    monkeypatch.setattr(reading, "BATCH", 2)
    entries = next(dataset for dataset in EVERY if dataset.name == "ledger-entries")
    batches = reading.batches(entries)
    assert cursors() == 0, "nothing is asked before the first row is"
    assert len(next(batches)) == 2
    assert cursors() == 1
    batches.close()
    assert cursors() == 0


def cursors() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
        return int(cursor.fetchone()[0])


# --- pages -------------------------------------------------------------------------------------------
def text_of(client: Client, address: str, **headers: str) -> str:
    return body_of(client.get(address, headers=headers)).decode()


def linked_data(html: str) -> dict[str, Any]:
    (found,) = [part.split("</script>")[0] for part in html.split('<script type="application/ld+json">')[1:]]
    said: dict[str, Any] = json.loads(found)
    return said


def test_the_catalogue_tells_every_dataset(world: OpenWorld, client: Client) -> None:
    html = text_of(client, "/open-data/")
    for dataset in EVERY:
        assert f'href="/open-data/{dataset.name}/"' in html
        assert f'href="/open-data/{dataset.name}.csv"' in html
    said = linked_data(html)
    assert (said["@type"], len(said["dataset"])) == ("DataCatalog", len(EVERY))


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_s_page_tells_its_columns_and_is_a_dataset_of_schema_org(
    world: OpenWorld, client: Client, name: str
) -> None:
    html = text_of(client, f"/open-data/{name}/")
    dataset = next(one for one in EVERY if one.name == name)
    assert all(f'<span class="mono">{column}</span>' in html for column in dataset.column_names)
    said = linked_data(html)
    # What https://schema.org/Dataset and the guide for data search engines ask for.
    assert (said["@context"], said["@type"]) == ("https://schema.org/", "Dataset")
    assert said["name"] == str(dataset.title)
    assert 50 <= len(said["description"]) <= 5000
    assert said["license"].startswith("http")
    assert [one["encodingFormat"] for one in said["distribution"]] == [
        "text/csv", "application/json", "application/x-ndjson"
    ]  # fmt: skip
    assert all(one["@type"] == "DataDownload" for one in said["distribution"])
    assert [one["name"] for one in said["variableMeasured"]] == dataset.column_names
    assert said.get("dateModified", "Z")[-1] == "Z"
    assert ("dateModified" in said) is dataset.is_dated


def test_the_last_change_is_that_of_a_row_which_ended_too(world: OpenWorld, client: Client) -> None:
    def changed_at() -> dict[str, str]:
        cache.clear()
        return {one["name"]: one["changed_at"] for one in client.get("/api/v1/open-data").json()["datasets"]}

    before = changed_at()
    exception = PriceException.objects.get(node=world.node)
    end_price_exception(exception=exception, reason="Enough", by=world.steward, at=clock.now())
    after = changed_at()
    assert {name for name in NAMES if after[name] != before[name]} == {"price-exceptions"}


def test_a_page_takes_the_same_queries_however_many_rows(world: OpenWorld, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/open-data/nodes/")
        return len(captured)

    text_of(client, "/open-data/nodes/")
    cache.clear()
    before = queries()
    for _number in range(3):
        factories.publish_prices(factories.make_node())
    cache.clear()
    assert queries() == before


def test_a_program_is_told_the_same(world: OpenWorld, client: Client) -> None:
    said = client.get("/api/v1/open-data").json()
    by_name = {one["name"]: one for one in said["datasets"]}
    assert list(by_name) == NAMES
    for name in NAMES:
        assert by_name[name]["rows"] == len(rows_of(client, name)), name
        size = len(body_of(client.get(by_name[name]["csv"])))
        assert 0.5 < (by_name[name]["csv_bytes_about"] + 200) / (size + 200) < 2, name


def test_it_reads_in_french(world: OpenWorld, client: Client) -> None:
    html = text_of(client, "/open-data/tariffs/", **{"Accept-Language": "fr"})
    assert '<html lang="fr"' in html
    assert "Données ouvertes" in html
    assert linked_data(html)["inLanguage"] == "fr"
    schema = json.loads(
        body_of(client.get("/open-data/tariffs/schema.json", headers={"Accept-Language": "fr"}))
    )
    assert schema["fields"][0]["description"] == "The tariff’s identifier.", (
        "a copy is the same for everybody"
    )
