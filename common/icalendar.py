"""Events as calendars read them: iCalendar (RFC 5545), byte for byte. What an event says is the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

TYPE = "text/calendar; charset=utf-8"
_LONGEST_LINE = 75  # octets, without the line break (RFC 5545, 3.1)


@dataclass(frozen=True)
class Event:
    """`changed_at`: when it was last otherwise. While nothing changes, its bytes do not either."""

    uid: str
    start: datetime
    end: datetime
    changed_at: datetime
    title: str
    place: str
    text: str
    url: str
    is_cancelled: bool = False
    sequence: int = 0  # grows with each change, so that calendars take the last one


def written(events: Iterable[Event], *, name: str) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Equinode//Slots//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
    ]
    for event in events:
        lines += _lines(event)
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _lines(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}"
    yield f"DTSTAMP:{_moment(event.changed_at)}"
    yield f"DTSTART:{_moment(event.start)}"
    yield f"DTEND:{_moment(event.end)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"STATUS:{'CANCELLED' if event.is_cancelled else 'CONFIRMED'}"
    yield f"SUMMARY:{_text(event.title)}"
    yield f"LOCATION:{_text(event.place)}"
    yield f"DESCRIPTION:{_text(event.text)}"
    yield f"URL:{event.url}"
    yield "TRANSP:TRANSPARENT"  # a machine is busy then, not the person
    yield "END:VEVENT"


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    for character in ("\\", ";", ","):
        value = value.replace(character, f"\\{character}")
    return value.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> Iterator[bytes]:
    """Long lines go on in the next after a space; no character is torn."""
    part, room = b"", _LONGEST_LINE
    for character in line:
        octets = character.encode()
        if len(part) + len(octets) > room:
            yield part
            part = b" "
        part += octets
    yield part
