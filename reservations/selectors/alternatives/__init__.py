"""What could be asked for instead of what is refused: free as far as holds tell, near in time or alike.

Which candidates there are, and in which order they are tried, is told in docs/fair-share.md. The number of
queries does not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from common.holidays import holidays_within
from common.prepared import prepared
from nodes import selectors as nodes
from pricing.selectors import Rate, rates
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
from reservations.domain.slots import Slot, Week, mark_before
from reservations.domain.together import Pool, starts
from reservations.selectors import counters
from reservations.selectors.alternatives.groups import Group, groups_of
from reservations.selectors.alternatives.times import other_times, soonest

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
_SETTLED = frozenset({"grid", "order", "past", "length"})


def nearby_of(
    *, case: Case, refused: Iterable[str], asked_ids: Sequence[int], project_id: int
) -> Nearby | None:
    """Of a refused case, under the numbers that decide it. None where there is nothing to look for."""
    refused = {*refused}
    if refused & _SETTLED or not case.request.has_length:
        return None
    if case.snapshot.project is not None and case.snapshot.project.is_suspended:
        return None
    groups = groups_of(case, asked_ids)
    if not groups:
        return None
    priced = rates(device_ids=[id for group in groups for id in group.ids], at=case.request.at)
    free = _free_time(case, groups)
    requests = tuple(_candidates(case, groups, free, priced))
    if not requests:
        return None
    return described(case, requests, groups, priced, project_id)


def described(
    case: Case, requests: tuple[Candidate, ...], groups: Sequence[Group], priced: Mapping[int, Rate],
    project_id: int,
) -> Nearby:  # fmt: skip
    """Other requests of the same project at the same moment, with all that bears on them. Three queries."""
    return _with_cells(case, _with_devices(case, requests, groups, priced, project_id))


def _free_time(case: Case, groups: Sequence[Group]) -> dict[int, list[Slot]]:
    """Until the horizon."""
    begin = min(case.request.start, soonest(case))
    until = case.request.at + case.policy.horizon
    ids = [id for group in groups for id in group.ids]
    found = nodes.free_time(device_ids=ids, start=begin, end=until)
    return {id: [Slot(gap.start, gap.end) for gap in gaps] for id, gaps in found.items()}


def _candidates(
    case: Case, groups: Sequence[Group], free: Mapping[int, Sequence[Slot]], priced: Mapping[int, Rate]
) -> Iterator[Candidate]:
    """In the order in which kinds are told, and each kind in the order in which it is tried."""
    request = case.request
    is_beyond = (
        request.end > request.at + case.policy.horizon
    )  # no devices are free there; only earlier helps
    asked = [group for group in groups if group.asked]
    pools = [group.pool(group.asked, free, request.devices) for group in asked]
    if sum(group.asked for group in asked) == len(request.devices):
        if not is_beyond:
            yield from _same_time(case, pools)
        yield from other_times(case, asked, pools)
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


def _elsewhere(
    case: Case, others: Sequence[Group], free: Mapping[int, Sequence[Slot]], priced: Mapping[int, Rate],
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
        if start is not None and start < soonest(case):
            start = possible.after(soonest(case))
        if start is None or not set(group.ids) <= set(priced):
            continue
        to_pay = priced[group.ids[0]].to_pay
        its = Slot(start, start + slot.length)
        kind = "elsewhere" if group.model_key in models else "model"
        order = (kind, to_pay > most, abs(start - slot.start), to_pay, group.node, group.model_key)
        found.append((order, Candidate(kind, tuple(pool.free_in(its)[:wanted]), its.start, its.end)))
    yield from (candidate for _order, candidate in sorted(found, key=lambda one: one[0]))


def _with_devices(
    case: Case, requests: tuple[Candidate, ...], groups: Sequence[Group], priced: Mapping[int, Rate],
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


def _node(group: Group, span: Slot) -> NodeSize:
    days = holidays_within(group.country, ZoneInfo(group.zone), span.start, span.end)
    return NodeSize(group.node, group.on_node, group.zone, tuple(map(str, days)), group.funded)


def _with_cells(case: Case, nearby: Nearby) -> Nearby:
    """Every cell that a candidate is counted in, each once."""
    found = counters.with_cells([as_case(case, nearby, candidate) for candidate in nearby.requests])
    cells = {cell: None for snapshot in found for cell in snapshot.cells}
    commerce = {cell: None for snapshot in found for cell in snapshot.commerce}
    return replace(nearby, cells=tuple(cells), commerce=tuple(commerce))
