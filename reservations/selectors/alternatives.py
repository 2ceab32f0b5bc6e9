"""What could be asked for instead of what is refused: free as far as holds tell, near in time or alike.

Which candidates there are, and in which order they are tried, is told in docs/fair-share.md. The number of
queries does not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from common.holidays import holidays_within
from common.prepared import prepared
from nodes import selectors as nodes
from pricing.selectors import Rate, rates
from reservations.domain import calendar
from reservations.domain.asking import (
    Candidate,
    ModelStock,
    Nearby,
    NodeSize,
    Price,
    WantedDevice,
    WeekHeld,
)
from reservations.domain.engines.alternatives import as_case
from reservations.domain.rules import Case
from reservations.domain.slots import Slot, Week, mark_after, mark_before
from reservations.domain.together import Pool, Starts, starts
from reservations.selectors import counters

_READING = timedelta(minutes=5)
_TIMES = 8  # earlier, and as many later
_PLACES = 4  # of the same model elsewhere, and as many of other models
_MOST_DEVICES = 64  # of candidates elsewhere together: a request for many devices has fewer of them

# Groups of alike devices on one node: those that were asked for, and of the others the cheapest that have
# enough of them with at least as much memory each, the ones that cost no more before all that do.
_GROUPS = """
WITH asked AS MATERIALIZED (
    SELECT node_id, model_key, kind = 'host' AS is_host, min(memory_bytes) AS memory, count(*) AS devices
      FROM nodes_device WHERE id = ANY(%(asked)s) GROUP BY node_id, model_key, is_host
), of_model AS (
    SELECT device.model_key, count(*) AS devices
      FROM nodes_device device
      JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
     GROUP BY device.model_key
), a_group AS (
    SELECT node.id AS node_id, node.slug, site.time_zone, site.country, device.model_key,
           min(device.model) AS model, statement.publicly_funded_share AS funded, tariff.price,
           array_agg(device.id ORDER BY device.index) AS ids,
           array_agg(device.uid::text ORDER BY device.index) AS uids,
           (SELECT asked.devices FROM asked
             WHERE asked.node_id = node.id AND asked.model_key = device.model_key) AS asked
      FROM nodes_node node
      JOIN nodes_site site ON site.id = node.site_id
      JOIN nodes_device device ON device.node_id = node.id
      JOIN pricing_coststatement statement
        ON statement.node_id = node.id AND statement.effective @> %(at)s::timestamptz
      JOIN pricing_tariff tariff ON tariff.node_id = node.id AND tariff.effective @> %(at)s::timestamptz
     WHERE node.state = 'listed'
       AND (device.kind = 'host') = (SELECT bool_and(is_host) FROM asked)
       AND (device.memory_bytes >= (SELECT max(memory) FROM asked)
            OR EXISTS (SELECT FROM asked
                        WHERE asked.node_id = node.id AND asked.model_key = device.model_key))
     GROUP BY node.id, node.slug, site.time_zone, site.country, device.model_key, statement.id, tariff.id
), ranked AS (
    SELECT a_group.*,
           row_number() OVER (
               PARTITION BY asked IS NOT NULL, model_key IN (SELECT model_key FROM asked)
               ORDER BY price > %(price)s, price, slug, model_key) AS place
      FROM a_group
     WHERE asked IS NOT NULL OR cardinality(ids) >= %(devices)s
)
SELECT slug, time_zone, country, model_key, model, funded, ids, uids, COALESCE(asked, 0),
       (SELECT count(*) FROM nodes_device on_node WHERE on_node.node_id = ranked.node_id), of_model.devices
  FROM ranked JOIN of_model USING (model_key)
 WHERE asked IS NOT NULL OR place <= %(places)s
 ORDER BY asked IS NULL, price > %(price)s, price, slug, model_key
"""

# What the project holds of models that were not asked for, as reservations.selectors.standing counts it.
_HELD = """
SELECT device.model_key, week,
       sum(extract(epoch FROM least(upper(hold.during), week + interval '7 days')
                              - greatest(lower(hold.during), %(late)s, week)))
  FROM reservations_reservation reservation
  JOIN reservations_reserveddevice reserved ON reserved.reservation_id = reservation.id
  JOIN nodes_hold hold ON hold.uid = reserved.hold_uid
  JOIN nodes_device device ON device.id = hold.device_id
 CROSS JOIN LATERAL generate_series(
           date_trunc('week', greatest(lower(hold.during), %(late)s), 'UTC'),
           upper(hold.during) - interval '1 microsecond', interval '7 days') AS week
 WHERE reservation.project_id = %(project)s AND reservation.settled_at IS NULL
   AND upper(hold.during) > %(late)s AND device.model_key = ANY(%(models)s)
 GROUP BY device.model_key, week ORDER BY device.model_key, week
"""

# What no other slot on any devices would change, or what the nearest slot on the same ones speaks of already.
_SETTLED = frozenset({"grid", "order", "past", "length", "horizon"})


@dataclass(frozen=True)
class _Group:
    """Alike devices of one node."""

    node: str
    zone: str
    country: str
    model_key: str
    model: str
    funded: Decimal
    ids: list[int]
    uids: list[str]
    asked: int  # how many of them the request wants
    on_node: int
    of_model: int

    def pool(self, wanted: int, free: Mapping[int, Sequence[Slot]], first: Iterable[str] = ()) -> Pool:
        """Those that were asked for come first, so that as little as possible changes."""
        order = {uid: place for place, uid in enumerate(first)}
        devices = sorted(zip(self.uids, self.ids, strict=True), key=lambda one: order.get(one[0], len(order)))
        return Pool(wanted, {uid: free[id] for uid, id in devices})


def nearby_of(
    *, case: Case, refused: Iterable[str], asked_ids: Sequence[int], project_id: int
) -> Nearby | None:
    """Of a refused case, under the numbers that decide it. None where there is nothing to look for."""
    refused = {*refused}
    if refused & _SETTLED or not case.request.has_length:
        return None
    if case.snapshot.project is not None and case.snapshot.project.is_suspended:
        return None
    groups = _groups(case, asked_ids)
    if not groups:
        return None
    priced = rates(device_ids=[id for group in groups for id in group.ids], at=case.request.at)
    free = _free_time(case, groups)
    requests = tuple(_candidates(case, groups, free, priced))
    if not requests:
        return None
    nearby = _with_devices(case, requests, groups, priced, project_id)
    return _with_cells(case, nearby)


def _groups(case: Case, asked_ids: Sequence[int]) -> list[_Group]:
    paid = [price.price for price in case.snapshot.prices]
    values: dict[str, Any] = {
        "asked": list(asked_ids), "at": case.request.at, "devices": len(case.request.devices),
        "price": max(paid, default=Decimal(0)),
        "places": max(1, min(_PLACES, _MOST_DEVICES // len(case.request.devices))),
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_GROUPS, values)
        return [_Group(*row) for row in cursor.fetchall()]


def _free_time(case: Case, groups: Sequence[_Group]) -> dict[int, list[Slot]]:
    """Until the horizon."""
    begin = min(case.request.start, _soonest(case))
    until = case.request.at + case.policy.horizon
    ids = [id for group in groups for id in group.ids]
    found = nodes.free_time(device_ids=ids, start=begin, end=until)
    return {id: [Slot(gap.start, gap.end) for gap in gaps] for id, gaps in found.items()}


def _soonest(case: Case) -> datetime:
    """The first other start that is offered: who reads of it needs a moment before they press."""
    return mark_after(case.request.at + _READING, case.policy.mark)


def _candidates(
    case: Case, groups: Sequence[_Group], free: Mapping[int, Sequence[Slot]], priced: Mapping[int, Rate]
) -> Iterator[Candidate]:
    """In the order in which kinds are told, and each kind in the order in which it is tried."""
    request = case.request
    asked = [group for group in groups if group.asked]
    pools = [group.pool(group.asked, free, request.devices) for group in asked]
    if sum(group.asked for group in asked) == len(request.devices):
        yield from _same_time(case, pools)
        yield from _other_times(case, asked, pools)
    models = {device.model for device in case.snapshot.devices}
    if len(models) == 1:  # several models at once have no one thing to be like
        others = [group for group in groups if not group.asked]
        yield from _elsewhere(case, others, free, priced, models)


def _same_time(case: Case, pools: Sequence[Pool]) -> Iterator[Candidate]:
    """Other devices of the same nodes; or the same ones until somebody else's time; or fewer of them."""
    request, slot, policy = case.request, case.request.slot, case.policy
    free = [pool.free_in(slot) for pool in pools]
    enough = [its[: pool.wanted] for pool, its in zip(pools, free, strict=True)]
    devices = tuple(uid for its in enough for uid in its)
    if len(devices) == len(request.devices):
        if set(devices) != set(request.devices):
            yield Candidate("devices", devices, slot.start, slot.end)
        devices = devices[:-1]
    until = mark_before(min((hold.start for hold in case.snapshot.taken), default=slot.start), policy.mark)
    if until - slot.start >= policy.shortest:
        yield Candidate("shorter", request.devices, slot.start, until)
    if devices:
        yield Candidate("fewer", devices, slot.start, slot.end)


def _other_times(case: Case, asked: Sequence[_Group], pools: Sequence[Pool]) -> Iterator[Candidate]:
    slot, policy = case.request.slot, case.policy
    possible = starts(pools, length=slot.length, mark=policy.mark)
    for kind, moments in (
        ("earlier", _earlier(case, asked, possible)),
        ("later", _later(case, asked, possible)),
    ):
        for start in moments:
            its = Slot(start, start + slot.length)
            devices = tuple(uid for pool in pools for uid in pool.free_in(its)[: pool.wanted])
            yield Candidate(kind, devices, its.start, its.end)


def _earlier(case: Case, asked: Sequence[_Group], possible: Starts) -> list[datetime]:
    """The latest ones first: right before, and where a rule looks at other hours than those asked for."""
    slot, mark = case.request.slot, case.policy.mark
    begins = (slot.start - mark, *(edge - part for edge in _edges(case, asked) for part in _parts(slot)))
    found = {possible.before(moment) for moment in begins if moment < slot.start}
    kept = [start for start in found if start is not None and start >= _soonest(case)]
    return sorted(kept, reverse=True)[: _times(case)]


def _later(case: Case, asked: Sequence[_Group], possible: Starts) -> list[datetime]:
    slot, mark = case.request.slot, case.policy.mark
    begins = (slot.start + mark, *(edge - part for edge in _edges(case, asked) for part in _parts(slot)))
    found = {possible.after(moment) for moment in begins if moment > slot.start}
    kept = [start for start in found if start is not None and start >= _soonest(case)]
    return sorted(kept)[: _times(case)]


def _times(case: Case) -> int:
    return max(2, min(_TIMES, _MOST_DEVICES // len(case.request.devices)))


def _parts(slot: Slot) -> tuple[timedelta, timedelta]:
    """A slot that begins at an edge, and one that is over by it."""
    return timedelta(0), slot.length


def _edges(case: Case, asked: Sequence[_Group]) -> list[datetime]:
    """Where a rule begins to count otherwise: within the exempt hours, in another week, band or month,
    while another grant is valid."""
    at, policy = case.request.at, case.policy
    until = at + policy.horizon
    edges = {mark_before(at + policy.exempt, policy.mark)}
    if policy.floor_ahead_hours is not None:
        edges.add(mark_before(at + timedelta(hours=policy.floor_ahead_hours), policy.mark))
    week = Week.of(at)
    while (week := week.next).start < until:
        edges.add(week.start)
    edges |= {edge for grant in case.snapshot.grants for edge in (grant.start, grant.end) if edge}
    if policy.peak is not None:
        for zone, country in {(group.zone, group.country) for group in asked}:
            edges |= _bands(policy.peak, Slot(at, until), zone, country)
    first = (at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    edges.add(first)  # members' caps are counted by the month
    return [edge for edge in edges if at < edge < until]


def _bands(peak: calendar.Calendar, whole: Slot, zone: str, country: str) -> set[datetime]:
    there = ZoneInfo(zone)
    holidays = holidays_within(country, there, whole.start, whole.end)
    pieces = calendar.cut(peak, whole, there, holidays)
    return {
        one.start
        for (one, kind), (_before, other) in zip(pieces[1:], pieces[:-1], strict=True)
        if kind != other
    }


def _elsewhere(
    case: Case, others: Sequence[_Group], free: Mapping[int, Sequence[Slot]], priced: Mapping[int, Rate],
    models: set[str],
) -> Iterator[Candidate]:  # fmt: skip
    """On one other node: what costs no more before what does, then what is nearest in time, then cheapest."""
    request, slot = case.request, case.request.slot
    wanted = len(request.devices)
    most = max((price.to_pay for price in case.snapshot.prices), default=Decimal(0))
    found = []
    for group in others:
        pool = group.pool(wanted, free)
        possible = starts([pool], length=slot.length, mark=case.policy.mark)
        start = possible.nearest(slot.start)
        if start is not None and start < _soonest(case):
            start = possible.after(_soonest(case))
        if start is None or not set(group.ids) <= set(priced):
            continue
        to_pay = priced[group.ids[0]].to_pay
        its = Slot(start, start + slot.length)
        kind = "elsewhere" if group.model_key in models else "model"
        order = (kind, to_pay > most, abs(start - slot.start), to_pay, group.node, group.model_key)
        found.append((order, Candidate(kind, tuple(pool.free_in(its)[:wanted]), its.start, its.end)))
    yield from (candidate for _order, candidate in sorted(found, key=lambda one: one[0]))


def _with_devices(
    case: Case, requests: tuple[Candidate, ...], groups: Sequence[_Group], priced: Mapping[int, Rate],
    project_id: int,
) -> Nearby:  # fmt: skip
    """What the candidates are made of, beside what was asked for."""
    used = {uid for candidate in requests for uid in candidate.devices}
    known = {device.uid for device in case.snapshot.devices}
    span = Slot(min(one.start for one in requests), max(one.end for one in requests))
    its = [group for group in groups if used & {*group.uids}]
    models = {group.model_key: group for group in its}
    held = _held(
        case, [key for key in models if key not in {one.key for one in case.snapshot.models}], project_id
    )
    return Nearby(
        requests=requests,
        devices=tuple(
            WantedDevice(uid, group.node, group.model_key, _price(priced.get(id)))
            for group in its
            for uid, id in zip(group.uids, group.ids, strict=True)
            if uid in used - known
        ),
        nodes=tuple(_node(group, span) for group in {group.node: group for group in its}.values()),
        models=tuple(
            ModelStock(key, group.model, group.of_model, held[key])
            for key, group in models.items()
            if key in held
        ),
    )


def _held(case: Case, models: Sequence[str], project_id: int) -> dict[str, tuple[WeekHeld, ...]]:
    held: dict[str, tuple[WeekHeld, ...]] = dict.fromkeys(models, ())
    if not models:
        return held
    values: dict[str, Any] = {
        "project": project_id, "models": list(models), "late": case.request.at + case.policy.exempt
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_HELD, values)
        for model, week, seconds in cursor.fetchall():
            held[model] += (WeekHeld(str(Week.of(week)), Fraction(seconds) / 3600),)
    return held


def _price(rate: Rate | None) -> Price | None:
    if rate is None:
        return None
    return Price(rate.weight, rate.price, rate.fee, rate.tariff_id, rate.statement_id)


def _node(group: _Group, span: Slot) -> NodeSize:
    days = holidays_within(group.country, ZoneInfo(group.zone), span.start, span.end)
    return NodeSize(group.node, group.on_node, group.zone, tuple(map(str, days)), group.funded)


def _with_cells(case: Case, nearby: Nearby) -> Nearby:
    """Every cell that a candidate is counted in, each once."""
    found = counters.with_cells([as_case(case, nearby, candidate) for candidate in nearby.requests])
    cells = {cell: None for snapshot in found for cell in snapshot.cells}
    commerce = {cell: None for snapshot in found for cell in snapshot.commerce}
    return replace(nearby, cells=tuple(cells), commerce=tuple(commerce))
