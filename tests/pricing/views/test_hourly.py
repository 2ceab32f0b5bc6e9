from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from accounts.models import User
from common import clock
from common.evidence.kinds import LARGEST
from pricing.models import HourlyImport, HourlyValue
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
START = datetime(2023, 6, 1, tzinfo=UTC)
TABLE = "hour_utc,FR\n2023-10-01T00:00Z,88.60\n"
STEWARDS = "/steward/electricity/"
CALL = "/api/v1/electricity-imports"


def table(column: str, *, days: int, without: tuple[int, ...] = ()) -> str:
    rows = (
        f"{START + step * HOUR:%Y-%m-%dT%H:%MZ},{100 + step % 24}\n"
        for step in range(24 * days)
        if step not in without
    )
    return f"hour_utc,{column}\n" + "".join(rows)


@pytest.fixture
def france() -> None:
    """Ten days of prices from RTE, two hours of them missing; intensities of a year alone."""
    factories.import_hours(table("FR", days=10, without=(200, 201)), source="RTE éCO2mix", licence="LO 2.0")
    factories.import_hours(
        "iso3,country,year,carbon_intensity_g_kwh\nFRA,France,2022,84.9\n",
        content="countries",
        source="Ember",
    )


@pytest.fixture
def steward(client: Client) -> Client:
    user = factories.give_second_factor(factories.make_user("stella", is_steward=True))
    client.force_login(user)
    return client


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# --- the public pages --------------------------------------------------------------------------------
def test_a_zone_shows_its_last_seven_days_with_coverage_and_sources(client: Client, france: None) -> None:
    page = text_of(client, "/electricity/FR/")
    assert "10 June 2023" in page
    assert "4 June 2023" in page
    assert "3 June 2023" not in page
    assert "111.50" in page  # the mean of every day
    assert "Mean of 168 hours, 2 hours estimated" in page
    assert "RTE éCO2mix" in page
    assert "LO 2.0" in page
    assert "Ember" in page
    assert "24 hours estimated" in page  # of each day, by the yearly intensity


def test_days_can_be_asked_for(client: Client, france: None) -> None:
    page = text_of(client, "/electricity/FR/?first=2023-06-02&last=2023-06-03")
    assert "2 June 2023" in page
    assert "4 June 2023" not in page
    assert 'value="2023-06-02"' in page
    assert text_of(client, "/electricity/FR/?first=2023-06-02").count("June 2023</th>") == 7


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("first=2023-06-03&last=2023-06-02", "The last day is before the first one."),
        ("first=2023-01-01&last=2024-06-02", "days at most; these are 519."),
        ("first=soon", "Enter a valid date."),
    ],
)
def test_days_that_cannot_be_shown_are_answered_in_place(
    client: Client, france: None, query: str, sentence: str
) -> None:
    page = client.get(f"/electricity/FR/?{query}")
    assert page.status_code == 400
    assert sentence in page.content.decode()
    for ending in ("json", "csv"):
        answer = client.get(f"/electricity/FR.{ending}?{query}")
        assert answer.status_code == 400
        assert sentence in answer.json()["detail"]
    assert client.get(f"/api/v1/electricity/FR?{query}").status_code == 400


def test_the_data_have_every_hour_with_how_it_came_about(client: Client, france: None) -> None:
    asked = "first=2023-06-09&last=2023-06-09"
    told = client.get(f"/electricity/FR.json?{asked}").json()
    price = told["series"]["day_ahead"]
    assert price["coverage"] == {
        "hours": 24, "reported": 22, "estimated": 2, "missing": 0, "reported_share": "0.916667"
    }  # fmt: skip
    assert price["hours"][8] == {"hour": "2023-06-09T08:00:00Z", "value": "108", "basis": "line"}
    assert told["series"]["lifecycle"]["stand_ins"][0]["year"] == 2022
    assert {hour["basis"] for hour in told["series"]["lifecycle"]["hours"]} == {"yearly"}
    assert told["series"]["direct"]["mean"] is None
    answer: Any = client.get(f"/electricity/FR.csv?{asked}")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert len(rows) == 3 * 24
    assert (rows[0]["value"], rows[0]["basis"], rows[0]["source"]) == ("100", "reported", "RTE éCO2mix")
    assert (rows[-1]["value"], rows[-1]["basis"]) == ("", "missing")
    assert client.get(f"/api/v1/electricity/FR?{asked}").json() == {
        name: value for name, value in told.items() if name != "charts"
    }


def test_the_charts_are_drawn_from_the_same_hours(client: Client, france: None) -> None:
    charts = client.get("/electricity/FR.json").json()["charts"]
    line, estimates = charts["price"]["data"]
    assert (len(line["x"]), line["line"]["shape"], line["x"][0]) == (168, "hv", "2023-06-04T00:00")
    assert len(estimates["x"]) == 2


def test_figures_can_be_read_as_they_were_known(client: Client) -> None:
    then = clock.now() - timedelta(days=10)
    factories.import_hours(TABLE, at=then)
    factories.import_hours(TABLE.replace("88.60", "99.00"), source="Corrected")
    asked = "first=2023-10-01&last=2023-10-01"
    assert "99.00" in text_of(client, f"/electricity/FR/?{asked}")
    page = text_of(client, f"/electricity/FR/?{asked}&as_of={then:%Y-%m-%d}")
    assert "88.60" in page
    assert "99.00" not in page
    assert "what was imported or corrected later is left out" in page


def test_a_zone_of_a_site_without_figures_says_so_and_another_is_not_found(client: Client) -> None:
    factories.make_node()
    assert "Nobody has imported any for this zone." in text_of(client, "/electricity/FR/")
    for address in (
        "/electricity/XX/",
        "/electricity/XX.json",
        "/electricity/XX.csv",
        "/api/v1/electricity/XX",
    ):
        assert client.get(address).status_code == 404
    assert client.get("/electricity/").status_code == 200


def test_the_zones_are_listed_with_how_far_their_figures_reach(client: Client, france: None) -> None:
    page = text_of(client, "/electricity/")
    assert "1 June 2023 – 10 June 2023" in page
    assert 'href="/electricity/FR/"' in page


def test_a_node_leads_to_the_hours_of_its_zone(client: Client, france: None) -> None:
    node = factories.make_node(devices=1)
    factories.publish_prices(node)
    assert 'href="/electricity/FR/"' in text_of(client, node.get_absolute_url())
    assert node.name in text_of(client, "/electricity/FR/")


def test_a_page_takes_the_same_queries_however_long_the_period(
    client: Client, france: None, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        client.get("/electricity/FR/?first=2023-05-01&last=2023-07-30")


def test_a_zone_reads_in_french(client: Client, france: None) -> None:
    with translation.override("fr"):
        page = client.get("/electricity/FR/", headers={"Accept-Language": "fr"}).content.decode()
    assert "Électricité" in page
    assert "111,50" in page


# --- what stewards import ----------------------------------------------------------------------------
def packed(name: str, content: bytes | str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def hand_in(client: Client, content: bytes | str = TABLE, **changes: Any) -> Any:
    said = {"content": "prices", "source": "RTE éCO2mix", "file": packed("one.csv", content), **changes}
    return client.post(STEWARDS, said)


def test_a_steward_imports_a_file(steward: Client) -> None:
    assert hand_in(steward, licence="LO 2.0").status_code == 302
    record = HourlyImport.objects.get()
    assert (record.by, record.source, record.licence) == (User.objects.get(), "RTE éCO2mix", "LO 2.0")
    page = text_of(steward, STEWARDS)
    assert "Imported. Values added: 1; changed: 0; in the file: 1." in page
    assert "one.csv" in page
    assert "Stella" in page
    hand_in(steward)
    assert "Nothing is new: all that the file says was known already (values: 1)." in text_of(
        steward, STEWARDS
    )


def test_what_is_wrong_with_a_file_stands_beside_it_and_what_was_typed_stays(steward: Client) -> None:
    answer = hand_in(steward, 'hour_utc,FR\n2023-10-01T00:00Z,"88,60"\n')
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Line 2: “88,60” has a decimal comma" in page
    assert "RTE éCO2mix" in page
    assert not HourlyImport.objects.exists()


@pytest.mark.parametrize("hour", ["0001-01-01T00:00Z", "9999-12-31T23:00Z"])
def test_an_hour_at_the_end_of_the_calendar_is_refused_and_the_page_stays(
    steward: Client, france: None, hour: str
) -> None:
    answer = hand_in(steward, f"hour_utc,FR\n{hour},1\n")
    assert answer.status_code == 400
    assert f"Line 2: {hour} lies outside the years 1990 to 2100" in answer.content.decode()
    assert steward.get("/electricity/FR/").status_code == 200


def test_only_the_zone_that_was_named_is_imported(steward: Client) -> None:
    answer = hand_in(steward, zone="DE-LU")
    assert "the file holds FR, and only the zone that you named" in answer.content.decode()
    assert hand_in(steward, zone="FR").status_code == 302


def test_a_file_that_is_too_large_is_refused_before_it_is_kept(steward: Client) -> None:
    answer = hand_in(steward, b"x" * (LARGEST + 300_000))
    assert answer.status_code == 400
    assert "at most can be handed in here" in answer.content.decode()


def bomb_of(kind: str) -> bytes:
    """Some 200 kB that would come to 200 MB."""
    content = b"hour_utc,FR\n" + b"0" * 200_000_000
    if kind == "gzip":
        return gzip.compress(content, compresslevel=1)
    packed_zip = io.BytesIO()
    with zipfile.ZipFile(packed_zip, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.csv", content)
    return packed_zip.getvalue()


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_file_that_unpacks_to_too_much_is_refused(steward: Client, kind: str) -> None:
    answer = hand_in(steward, bomb_of(kind))
    assert answer.status_code == 400
    assert "unpacked, one.csv is larger than 64" in answer.content.decode()
    assert not HourlyImport.objects.exists()


def zipped(*members: tuple[str, str]) -> bytes:
    packed_zip = io.BytesIO()
    with zipfile.ZipFile(packed_zip, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed_zip.getvalue()


def test_an_archive_of_one_table_is_read_and_one_of_several_is_not(steward: Client) -> None:
    assert hand_in(steward, zipped(("a.csv", TABLE))).status_code == 302
    answer = hand_in(steward, zipped(("a.csv", TABLE), ("b.csv", TABLE)))
    assert "holds 2 files. Give tables one by one." in answer.content.decode()
    answer = hand_in(steward, zipped(*((f"{number}.csv", TABLE) for number in range(401))))
    assert "holds 401 files, and 1 to 400 can be read" in answer.content.decode()


@pytest.mark.parametrize(
    ("place", "damage"),
    [(-6, b"\xff\xff\xff\x00"), (-22 - len("a.csv"), b"\x00")],
    ids=["a member before the file", "a name without a letter"],
)
def test_a_damaged_archive_is_refused(steward: Client, place: int, damage: bytes) -> None:
    content = bytearray(zipped(("a.csv", TABLE)))
    start = len(content) + place
    content[start : start + len(damage)] = damage
    answer = hand_in(steward, bytes(content))
    assert answer.status_code == 400
    assert "one.csv cannot be read" in answer.content.decode()


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_unpacks_in_blocks_without_limit_is_refused(steward: Client, packing: int) -> None:
    packed_zip = io.BytesIO()
    with zipfile.ZipFile(packed_zip, "w", packing) as archive:
        archive.writestr("a.csv", TABLE)
    answer = hand_in(steward, packed_zip.getvalue())
    assert answer.status_code == 400
    assert "pack one.csv as ZIP programs do by default" in answer.content.decode()


@pytest.mark.parametrize("encoding", ["shift_jis", "no-such-one"])
def test_a_market_document_in_an_encoding_that_is_not_read_is_refused(steward: Client, encoding: str) -> None:
    answer = hand_in(steward, f'<?xml version="1.0" encoding="{encoding}"?><a/>')
    assert answer.status_code == 400
    assert "this is no XML that can be read" in answer.content.decode()


def test_a_market_document_that_declares_entities_is_refused(steward: Client) -> None:
    answer = hand_in(steward, '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY a "b">]>\n<a>&a;</a>')
    assert "declares a type or an entity" in answer.content.decode()


def test_nobody_else_imports_and_a_steward_needs_a_second_factor(client: Client) -> None:
    assert hand_in(client).status_code == 302
    assert client.get(STEWARDS).status_code == 302  # to sign in
    client.force_login(factories.make_user())
    assert client.get(STEWARDS).status_code == 404
    assert hand_in(client).status_code == 404
    client.force_login(factories.make_user(is_steward=True))
    assert client.get(STEWARDS).status_code == 200
    assert hand_in(client).status_code == 403
    assert not HourlyValue.objects.exists()


# --- the call ----------------------------------------------------------------------------------------
def call(client: Client, content: str = TABLE, **changes: Any) -> Any:
    body = {
        "content": "prices", "source": "RTE éCO2mix", "name": "one.csv",
        "file": b64encode(content.encode()).decode(), **changes,
    }  # fmt: skip
    return client.post(CALL, json.dumps(body), content_type="application/json")


def test_a_program_imports_as_the_page_does(steward: Client) -> None:
    told = call(steward).json()
    assert (told["values"], told["added"], told["changed"]) == (1, 1, 0)
    assert told["recorded"]["sha256"] == HourlyImport.objects.get().sha256
    assert call(steward).json()["recorded"] is None
    listed = steward.get(CALL).json()["items"]
    assert listed == [told["recorded"]]


def test_a_program_is_told_which_line_is_wrong(steward: Client) -> None:
    answer = call(steward, "hour_utc,FR\n2023-10-01T00:00Z,x\n")
    assert answer.status_code == 400
    told = answer.json()
    assert (told["code"], told["line"]) == ("import_refused", 2)
    assert "Line 2: “x” is not a number" in told["detail"]
    assert call(steward, file="no base64!").status_code == 400


def test_everybody_may_read_what_was_imported_and_only_stewards_add_to_it(client: Client) -> None:
    factories.import_hours(TABLE)
    assert client.get(CALL).json()["items"][0]["source"] == "A test"
    assert call(client).status_code == 401
    client.force_login(factories.make_user())
    assert call(client).status_code == 404
    client.force_login(factories.make_user(is_steward=True))
    assert call(client).status_code == 403
