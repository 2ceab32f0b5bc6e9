"""The cells of one device's week: who holds it, what is free, what is gone by or not open yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
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

    @cached_property
    def words(self) -> Words:
        return Words()

    @cached_property
    def present(self) -> int:
        """The quarter hour that is running now, or the end of the frame that is nearest."""
        return self.frame.floor(self.at)

    @cached_property
    def closing(self) -> int:
        return self.frame.floor(self.horizon)


class Words:
    """What cells say, found once: a page has hundreds of cells and few words."""

    def __init__(self) -> None:
        self.yours = gettext("Yours: %s")
        self.taken = gettext("Taken")
        self.closed = gettext("Not open yet")
        self.past = gettext("Past")
        self.unpriced = gettext("Not bookable: no published cost")
        self.scant = gettext("Free, under 30 min")
        self.free = gettext("Free")
        self.kinds = {
            str(Hold.Kind.CLOSURE): ("closure", gettext("Maintenance")),
            str(Hold.Kind.OWNER): ("owner", gettext("Owner’s time")),
        }


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
    when, words, project = reader.frame.between(first, last), reader.words, hold.project_id
    if project is not None and project in reader.own:
        url = _address(hold.reference)
        return Cell("own", first, last, words.yours % reader.own[project], when, hold.start, url)
    if hold.kind == Hold.Kind.RESERVATION and project is not None:
        return Cell("other", first, last, reader.names.get(project, words.taken), when, hold.start)
    kind, who = words.kinds.get(hold.kind, ("other", words.taken))
    return Cell(kind, first, last, who, when, hold.start)


def _gap(first: int, last: int, reader: Reader, is_priced: bool) -> Iterator[Cell]:
    """What nobody holds: gone by, free, or not open yet."""
    if first >= last:
        return
    frame = reader.frame
    present = max(first, min(last, reader.present))
    closing = max(present, min(last, reader.closing))
    kind, who = _openness(closing - present, reader.words, is_priced)
    stretches = [
        ("past", reader.words.past, first, present),
        (kind, who, present, closing),
        ("closed", reader.words.closed, closing, last),
    ]
    for kind, who, start, end in stretches:
        if end > start:
            yield Cell(kind, start, end, who, frame.between(start, end), frame.moment(start))


def _openness(quarters: int, words: Words, is_priced: bool) -> tuple[str, str]:
    if not is_priced:
        return "closed", words.unpriced
    if quarters < _SHORTEST:
        return "scant", words.scant
    return "free", words.free


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
