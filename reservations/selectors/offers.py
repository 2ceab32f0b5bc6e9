"""What could be had instead of what is refused, as rows that a page shows and a press leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext, ngettext

from common import formats
from nodes.models import Device
from reservations.domain.decision import Answer
from reservations.selectors.fleets import fleet
from reservations.selectors.places import Place, on_the_booking_page
from reservations.selectors.preview import Asked, Nearest, nearest


@dataclass(frozen=True)
class OfferRow:
    """One way to have it. Without a start it begins at once."""

    title: str
    differs: str  # from what was asked for
    start: datetime | None
    end: datetime
    total: Decimal
    url: str  # the booking page with it filled in


@dataclass(frozen=True)
class _Other:
    kind: str
    devices: Sequence[Device]
    start: datetime
    end: datetime
    total: Decimal


# What changes least comes first; of one rank what is nearest in time.
_RANKS = {"devices": 0, "shorter": 2, "fewer": 3, "earlier": 4, "later": 4, "elsewhere": 5, "model": 6}


def offer_rows(*, asked: Asked, answer: Answer, place: Place = on_the_booking_page) -> tuple[OfferRow, ...]:
    """All that would be granted as far as was known then, the nearest first. One query at most.

    `place`: of what is asked otherwise than by booking, such as a move.
    """
    start = asked.start or asked.at

    def nearness(other: _Other) -> tuple[int, timedelta]:
        later = abs(other.start - start)
        return _RANKS.get(other.kind, 4 if later else 1), later

    return tuple(
        OfferRow(
            title=f"{fleet(other.devices)}, {formats.duration(other.end - other.start)}",
            differs=_differs(other, asked, start),
            start=other.start if other.start > asked.at else None,
            end=other.end,
            total=other.total,
            url=place(
                asked.project.slug,
                [str(device.uid) for device in other.devices],
                other.start if other.start > asked.at else None,
                other.end,
            ),
        )
        for other in sorted(_others(asked, answer), key=nearness)
    )


def way_through(
    *, asked: Asked, answer: Answer, offers: Sequence[OfferRow], place: Place = on_the_booking_page
) -> Nearest | None:
    """The shortest one: on the same devices from the same start, or what is nearest of all."""
    found, told = answer.nearest, nearest(asked=asked, answer=answer)
    if not offers or (found is not None and found.start == (asked.start or asked.at)):
        if found is None or told is None:
            return None
        return replace(told, url=place(asked.project.slug, asked.uids, found.start, found.end))
    first = offers[0]
    sentence = gettext("%(title)s: %(differs)s. It passes every rule and costs %(price)s.") % {
        "title": first.title, "differs": first.differs, "price": formats.money(first.total),
    }  # fmt: skip
    return Nearest(first.url, sentence, gettext("Preview it"))


def _others(asked: Asked, answer: Answer) -> Iterator[_Other]:
    found = answer.nearest
    if found is not None:
        yield _Other("same", asked.devices, found.start, found.end, found.total)
    devices = _devices(asked, {uid for offer in answer.alternatives for uid in offer.devices})
    wanted = {*asked.uids}
    for offer in answer.alternatives:
        is_told = found is not None and (found.start, found.end) == (offer.start, offer.end)
        if is_told and {*offer.devices} == wanted:
            continue
        its = [devices[uid] for uid in offer.devices if uid in devices]
        if len(its) == len(offer.devices):  # else one has left the site since
            its.sort(key=lambda device: (device.node_id, device.index))
            yield _Other(offer.kind, its, offer.start, offer.end, offer.total)


def _devices(asked: Asked, uids: set[str]) -> Mapping[str, Device]:
    known = {str(device.uid): device for device in asked.devices}
    missing = [UUID(uid) for uid in uids - known.keys()]
    if missing:
        rows = Device.objects.filter(uid__in=missing).select_related("node__site")
        known |= {str(device.uid): device for device in rows}
    return known


def _differs(other: _Other, asked: Asked, start: datetime) -> str:
    """In a few words each: where, which devices, when, how long."""
    parts = [_where(other, asked), _when(other.start - start)]
    shorter = (asked.end - start) - (other.end - other.start)
    if asked.end <= start:
        pass  # no length to compare with
    elif shorter > timedelta(0):
        parts.append(gettext("%s shorter") % formats.duration(shorter))
    elif shorter < timedelta(0):
        parts.append(gettext("%s longer") % formats.duration(-shorter))
    return ", ".join(parts)


def _where(other: _Other, asked: Asked) -> str:
    nodes = {device.node_id for device in other.devices}
    if nodes - {device.node_id for device in asked.devices}:
        node = other.devices[0].node
        return f"{node.name}, {formats.country(node.site.country)}"
    fewer = len(asked.devices) - len(other.devices)
    if fewer > 0:
        return ngettext("Same node, one device fewer", "Same node, %(fewer)s devices fewer", fewer) % {
            "fewer": fewer
        }
    if {device.pk for device in other.devices} == {device.pk for device in asked.devices}:
        return gettext("Same devices")
    indexes = ", ".join(str(device.index) for device in other.devices)
    return ngettext("Same node, device %s", "Same node, devices %s", len(other.devices)) % indexes


def _when(later: timedelta) -> str:
    if not later:
        return gettext("same start")
    if later > timedelta(0):
        return gettext("%s later") % formats.duration(later)
    return gettext("%s earlier") % formats.duration(-later)
