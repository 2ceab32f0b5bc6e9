from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest

from pricing.domain.hourly import entsoe
from pricing.domain.hourly.entsoe import Documents
from pricing.domain.hourly.values import HOUR, Malformed, Quantity, Series
from pricing.domain.hourly.zones import EIC, check_character

D = Decimal
FR = "10YFR-RTE------C"
DE = "10Y1001A1001A82H"
NAMESPACE = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"


def document(*series: str, kind: str = "A44") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Publication_MarketDocument xmlns="{NAMESPACE}">\n'
        f"<mRID>1</mRID><type>{kind}</type>\n"
        "<period.timeInterval><start>2023-01-01T23:00Z</start><end>2023-01-02T23:00Z</end></period.timeInterval>\n"
        f"{''.join(series)}</Publication_MarketDocument>\n"
    )


def series(
    points: dict[int, str],
    *,
    start: str = "2023-01-01T23:00Z",
    end: str = "2023-01-02T01:00Z",
    step: str = "PT60M",
    curve: str = "A03",
    zone: str = FR,
    **more: str,
) -> str:
    named = {
        "in_Domain.mRID": zone, "out_Domain.mRID": zone, "contract_MarketAgreement.type": "A01",
        "currency_Unit.name": "EUR", "price_Measure_Unit.name": "MWH", **more, "curveType": curve,
    }  # fmt: skip
    listed = "".join(
        f"<Point><position>{place}</position><price.amount>{price}</price.amount></Point>\n"
        for place, price in points.items()
    )
    return (
        "<TimeSeries><mRID>1</mRID>"
        + "".join(f"<{name}>{text}</{name}>" for name, text in named.items())
        + f"<Period><timeInterval><start>{start}</start><end>{end}</end></timeInterval>"
        f"<resolution>{step}</resolution>\n{listed}</Period></TimeSeries>\n"
    )


def read(*texts: str) -> tuple[dict[tuple[str, datetime], Decimal | None], Documents]:
    documents = Documents()
    reading = documents.reading(iter(BytesIO(text.encode()) for text in texts))
    cells = list(reading.cells)
    return {(documents.series[index].zone, hour): value for index, hour, value, _estimate in cells}, documents


def day_of_paris(year: int, month: int, day: int) -> tuple[datetime, datetime]:
    first = datetime(year, month, day, tzinfo=ZoneInfo("Europe/Paris"))
    return first.astimezone(UTC), (first + timedelta(days=1)).astimezone(UTC)


def test_hours_are_read_with_their_zone() -> None:
    found, documents = read(document(series({1: "102.73", 2: "-94.14"})))
    start = datetime(2023, 1, 1, 23, tzinfo=UTC)
    assert found == {("FR", start): D("102.73"), ("FR", start + HOUR): D("-94.14")}
    assert documents.series == [Series("FR", Quantity.PRICE)]


@pytest.mark.parametrize(("day", "hours"), [((2023, 3, 26), 23), ((2023, 10, 29), 25), ((2023, 6, 1), 24)])
def test_a_local_day_has_the_hours_that_it_has(day: tuple[int, int, int], hours: int) -> None:
    start, end = day_of_paris(*day)
    points = {place: f"{place}.5" for place in range(1, hours + 1)}
    found, _documents = read(
        document(series(points, start=f"{start:%Y-%m-%dT%H:%MZ}", end=f"{end:%Y-%m-%dT%H:%MZ}"))
    )
    assert found == {("FR", start + (place - 1) * HOUR): D(price) for place, price in points.items()}


def test_a_curve_that_leaves_out_repeated_prices_repeats_them() -> None:
    found, _documents = read(document(series({1: "10", 3: "12"}, end="2023-01-02T03:00Z")))
    assert list(found.values()) == [D(10), D(10), D(12), D(12)]


def test_a_curve_of_fixed_steps_has_a_hole_where_a_position_is_missing() -> None:
    found, _documents = read(document(series({1: "10", 3: "12"}, end="2023-01-02T03:00Z", curve="A01")))
    assert list(found.values()) == [D(10), None, D(12), None]


def test_what_comes_before_the_first_position_is_missing() -> None:
    found, _documents = read(document(series({2: "10"})))
    assert list(found.values()) == [None, D(10)]


def test_quarter_hours_become_the_mean_of_their_hour() -> None:
    """Germany, 25 September 2026, 00:00: aWATTar publishes 181.94 for the hour of these four."""
    points = {1: "196.99", 2: "184.40", 3: "175.79", 4: "170.59", 5: "100.01", 8: "100.02"}
    text = series(points, step="PT15M", start="2026-09-24T22:00Z", end="2026-09-25T00:00Z", zone=DE)
    found, _documents = read(document(text))
    assert list(found.values()) == [D("181.9425"), D("100.0125")]


def test_an_hour_without_one_of_its_quarters_is_missing() -> None:
    found, _documents = read(
        document(series({1: "1", 2: "1", 3: "1", 5: "1", 6: "1", 7: "1", 8: "1"}, step="PT15M", curve="A01"))
    )
    assert list(found.values()) == [None, D(1)]


def test_the_auction_of_a_second_exchange_is_left_out_wherever_it_stands() -> None:
    second = series({1: "192.55"}, **{"classificationSequence_AttributeInstanceComponent.position": "2"})
    first = series({1: "196.99"}, **{"classificationSequence_AttributeInstanceComponent.position": "1"})
    within_the_day = series({1: "5"}, **{"contract_MarketAgreement.type": "A07"})
    found, documents = read(document(second, first, within_the_day))
    assert set(found.values()) == {D("196.99")}
    assert documents.left_out == {"other_auction": 1, "not_day_ahead": 1}


def test_several_documents_are_read_as_one() -> None:
    next_hours = {"start": "2023-01-02T01:00Z", "end": "2023-01-02T02:00Z"}
    found, documents = read(
        document(series({1: "1"})), document(series({1: "2"}, **next_hours), series({1: "3"}, zone=DE))
    )
    assert len(found) == 2 + 1 + 2
    assert [one.zone for one in documents.series] == ["FR", "DE-LU"]


ENTITY = '<!DOCTYPE a [<!ENTITY a "x">]>'
BOMB = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 or str()};" * 10}">' for n in range(1, 10))
    + "]>"
)
EXTERNAL = '<!DOCTYPE a SYSTEM "file:///etc/passwd">'


def declaring(text: str) -> str:
    return document(series({1: "1"})).replace("?>\n", f"?>\n{text}\n", 1)


@pytest.mark.parametrize(
    ("text", "line", "wanted"),
    [
        ("<a", 1, "xml"),
        (document(series({1: "1"}))[:-40], None, "xml"),
        ('<?xml version="1.0" encoding="shift_jis"?><a/>', 1, "xml"),
        ('<?xml version="1.0" encoding="no-such-one"?><a/>', 1, "xml"),
        ("<GL_MarketDocument/>", 1, "document"),
        ('<Publication_MarketDocument xmlns="urn:other"/>', 1, "document"),
        (declaring(ENTITY), 2, "declaration"),
        (declaring(BOMB), 2, "declaration"),
        (declaring(EXTERNAL), 2, "declaration"),
        (document(series({1: "1"}), kind="A65"), None, "type"),
        (document(series({1: "1"}, zone="10YXX-----------0")), 5, "eic"),
        (document(series({1: "1"}, **{"out_Domain.mRID": DE})), 5, "two_zones"),
        (document(series({1: "1"}, **{"currency_Unit.name": "GBP"})), 5, "currency"),
        (document(series({1: "1"}, **{"price_Measure_Unit.name": "MAW"})), 5, "unit_entsoe"),
        (document(series({1: "1"}, curve="A02")), 5, "curve"),
        (document(series({1: "1"}, step="P1D")), 5, "resolution"),
        (document(series({1: "1"}, end="2023-01-01T23:30Z", step="PT15M")), 5, "period"),
        (document(series({1: "1"}, end="2023-01-01T23:00Z")), 5, "period"),
        (document(series({1: "1"}, start="2023-01-01 23:00")), 5, "moment"),
        (document(series({1: "1"}, start="0001-01-01T00:00Z", end="9999-12-31T00:00Z")), 5, "years"),
        (document(series({1: "1"}, end="2101-01-01T00:00Z")), 5, "years"),
        (document(series({1: "1"}, end="2027-01-01T00:00Z", step="PT15M")), 5, "long_period"),
        (document(series({1: "1", 3: "2"})), 7, "position"),
        (document(series({2: "1", 1: "2"})), 7, "position"),
        (document(series({0: "1"})), 6, "position"),
        (document(series({1: "x"})), 6, "number"),
        (document(series({1: ""})), 6, "number"),
        (document(series({1: "99999"})), 6, "absurd_day_ahead"),
        (document(series({1: "1"}), series({1: "1"})), None, "value_once"),
        ("<a>" * 40, None, "document"),
        (document("<b>" * 40), None, "deep"),
        (document(series({1: "1" * 500})), None, "long_text"),
    ],
)  # fmt: skip
def test_a_document_that_is_not_right_is_refused(text: str, line: int | None, wanted: str) -> None:
    with pytest.raises(Malformed) as fault:
        read(text)
    assert fault.value.wanted == wanted
    assert line in (None, fault.value.line)


@pytest.mark.parametrize("element", ["Point", "Period"])
def test_a_series_without_end_is_refused_before_it_is_kept(element: str) -> None:
    most = 3 * 366 * 24 * 4
    text = document("<TimeSeries><Period>" + f"<{element}/>" * most)
    with pytest.raises(Malformed, match="many_points"):
        read(text)
    within = document("<TimeSeries><Period>" + f"<{element}/>" * (most - 1))
    with pytest.raises(Malformed, match="xml"):  # not closed
        read(within)


def test_a_file_of_few_letters_that_stands_for_hours_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each period of three years is one price, repeated; several documents count together."""
    years = [
        {"start": f"{year}-01-01T00:00Z", "end": f"{year + 3}-01-01T00:00Z"} for year in (2000, 2003, 2006)
    ]
    first, second = (
        document(*(series({1: "1"}, zone=zone, **one) for one in some))
        for zone, some in ((FR, years[:2]), (DE, years[2:]))
    )
    hours = 9 * 365 * 24 + 3 * 24
    monkeypatch.setattr(entsoe, "MOST_HOURS", hours - 1)
    with pytest.raises(Malformed) as fault:
        read(first, second)
    assert (fault.value.wanted, fault.value.found) == ("many_hours", f"{hours:,}")
    monkeypatch.setattr(entsoe, "MOST_HOURS", hours)
    assert len(read(first, second)[0]) == hours


def test_an_acknowledgement_is_no_document_and_says_why() -> None:
    text = (
        '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        "<mRID>1</mRID><Reason><code>999</code><text>No matching data found</text></Reason>"
        "</Acknowledgement_MarketDocument>"
    )
    with pytest.raises(Malformed) as fault:
        read(text)
    assert (fault.value.wanted, fault.value.found) == ("acknowledgement", "999: No matching data found")


def test_every_code_of_a_zone_has_its_right_check_character() -> None:
    assert [code for code in EIC if check_character(code) != code[15]] == []
    assert len(set(EIC.values())) == len(EIC)
