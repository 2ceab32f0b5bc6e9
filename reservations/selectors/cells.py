"""The cells of one device's week: who holds it, what is free, what is gone by or not open yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext

from common import formats
from nodes.models import Hold
from reservations.selectors.frame import Frame

# The reference of a reservation's hold is this and its uid.
PREFIX = "reservation-"
_SHORTEST = 2  # quarter hours: the shortest slot the policy can allow is 30 minutes
_NARROW = 28  # quarter hours: a name does not fit in less than seven hours of a week’s width


@dataclass(frozen=True)
class Cell:
    """A stretch of one device's week.

    `kind` is past, free, scant (free, and too short to book), other, own, closure, owner or closed.
    """

    kind: str
    first: int
    last: int
    who: str
    when: str
    start: datetime
    url: str = ""

    @property
    def span(self) -> int:
        return self.last - self.first

    @property
    def look(self) -> str:
        """The kind as a page shows it: what is too short to book looks like what is not bookable."""
        return "closed" if self.kind == "scant" else self.kind

    @property
    def is_narrow(self) -> bool:
        return self.span < _NARROW


@dataclass(frozen=True)
class OwnSlot:
    """A slot of the reader's in this week; in the table it may be too narrow to press."""

    url: str
    project: str
    when: str
    devices: int


class Held(NamedTuple):
    device_id: int
    start: datetime
    end: datetime
    kind: str
    reference: str
    project_id: int | None


@dataclass(frozen=True)
class Reader:
    """Whose eyes read the week, and what is bookable in it."""

    frame: Frame
    at: datetime
    horizon: datetime
    names: Mapping[int, str]
    own: Mapping[int, str]


def cells_of(holds: Sequence[Held], reader: Reader, is_priced: bool) -> Iterator[Cell]:
    frame, position = reader.frame, 0
    for hold in holds:
        # A slot that began at once, or was released, has an edge off the grid: it takes the whole quarter.
        first, last = max(position, frame.floor(hold.start)), frame.ceil(hold.end)
        if last <= first:
            continue
        yield from _gap(position, first, reader, is_priced)
        yield _taken(hold, first, last, reader)
        position = last
    yield from _gap(position, frame.quarters, reader, is_priced)


def _taken(hold: Held, first: int, last: int, reader: Reader) -> Cell:
    when = reader.frame.between(first, last)
    if hold.project_id is not None and hold.project_id in reader.own:
        url = _address(hold.reference)
        who = gettext("Yours: %s") % reader.own[hold.project_id]
        return Cell("own", first, last, who, when, hold.start, url)
    if hold.kind == Hold.Kind.RESERVATION and hold.project_id is not None:
        who = reader.names.get(hold.project_id, gettext("Taken"))
        return Cell("other", first, last, who, when, hold.start)
    kinds = {
        Hold.Kind.CLOSURE: ("closure", gettext("Maintenance")),
        Hold.Kind.OWNER: ("owner", gettext("Owner’s time")),
    }
    kind, who = kinds.get(Hold.Kind(hold.kind), ("other", gettext("Taken")))
    return Cell(kind, first, last, who, when, hold.start)


def _gap(first: int, last: int, reader: Reader, is_priced: bool) -> Iterator[Cell]:
    """What nobody holds: gone by, free, or not open yet."""
    frame = reader.frame
    present = max(first, min(last, frame.floor(reader.at)))
    closing = max(present, min(last, frame.floor(reader.horizon)))
    kind, who = _openness(closing - present, is_priced)
    stretches = [
        ("past", gettext("Past"), first, present),
        (kind, who, present, closing),
        ("closed", gettext("Not open yet"), closing, last),
    ]
    for kind, who, start, end in stretches:
        if end > start:
            yield Cell(kind, start, end, who, frame.between(start, end), frame.moment(start))


def _openness(quarters: int, is_priced: bool) -> tuple[str, str]:
    if not is_priced:
        return "closed", gettext("Not bookable: no published cost")
    if quarters < _SHORTEST:
        return "scant", gettext("Free, under 30 min")
    return "free", gettext("Free")


def own_slots(holds: Mapping[int, list[Held]], own: Mapping[int, str]) -> Iterator[OwnSlot]:
    """The reader's slots of the week, earliest first, each once however many devices it has."""
    slots: dict[str, OwnSlot] = {}
    for hold in sorted((hold for row in holds.values() for hold in row), key=lambda hold: hold.start):
        if hold.project_id is None or hold.project_id not in own:
            continue
        known = slots.get(hold.reference)
        slots[hold.reference] = OwnSlot(
            url=_address(hold.reference),
            project=own[hold.project_id],
            when=formats.span(hold.start, hold.end),
            devices=known.devices + 1 if known else 1,
        )
    yield from slots.values()


def _address(reference: str) -> str:
    return f"/reservations/{reference.removeprefix(PREFIX)}/"
