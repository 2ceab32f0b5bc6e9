"""Events as the standard wants them, byte for byte (RFC 5545)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from common.icalendar import Event, written

EVENT = Event(
    uid="0193@site.example",
    start=datetime(2026, 11, 24, 14, tzinfo=UTC),
    end=datetime(2026, 11, 24, 16, 30, tzinfo=UTC),
    changed_at=datetime(2026, 11, 22, 9, 5, 7, 120000, tzinfo=UTC),
    title="2 × A100",
    place="Node 1; Lyon, France",
    text="One line,\nand \\ another",
    url="https://site.example/reservations/0193/",
)


def test_a_calendar_is_these_bytes() -> None:
    assert written([EVENT], name="Protein, shapes") == (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Equinode//Slots//EN\r\nCALSCALE:GREGORIAN\r\n"
        b"METHOD:PUBLISH\r\nX-WR-CALNAME:Protein\\, shapes\r\n"
        b"BEGIN:VEVENT\r\nUID:0193@site.example\r\nDTSTAMP:20261122T090507Z\r\n"
        b"DTSTART:20261124T140000Z\r\nDTEND:20261124T163000Z\r\nSEQUENCE:0\r\nSTATUS:CONFIRMED\r\n"
        b"SUMMARY:2 \xc3\x97 A100\r\nLOCATION:Node 1\\; Lyon\\, France\r\n"
        b"DESCRIPTION:One line\\,\\nand \\\\ another\r\n"
        b"URL:https://site.example/reservations/0193/\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )


def test_a_slot_that_was_given_up_says_so_with_a_higher_number() -> None:
    told = written([replace(EVENT, is_cancelled=True, sequence=1)], name="Mine")
    assert b"\r\nSEQUENCE:1\r\nSTATUS:CANCELLED\r\n" in told


def test_times_are_written_in_utc_whatever_zone_they_come_in() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert written([replace(EVENT, start=EVENT.start.astimezone(east))], name="") == written([EVENT], name="")


def test_no_line_is_longer_than_75_octets_and_no_character_is_torn() -> None:
    long = "é×漢🙂" * 40
    told = written([replace(EVENT, title=long)], name="Mine")
    lines = told.split(b"\r\n")
    assert max(len(line) for line in lines) == 75
    for line in lines:
        line.decode()  # whole by itself
    assert f"SUMMARY:{long}\r\n".encode() in told.replace(b"\r\n ", b"")


def test_no_text_can_begin_a_line_of_its_own() -> None:
    told = written([replace(EVENT, title="a\r\nATTACH:x\rb\nc")], name="x\nBEGIN:VEVENT")
    assert told.count(b"\r\nBEGIN:VEVENT") == 1
    assert b"\r\nATTACH" not in told
    assert b"SUMMARY:a\\nATTACH:x\\nb\\nc\r\n" in told


def test_nothing_is_an_empty_calendar() -> None:
    assert written([], name="Mine").endswith(b"X-WR-CALNAME:Mine\r\nEND:VCALENDAR\r\n")
