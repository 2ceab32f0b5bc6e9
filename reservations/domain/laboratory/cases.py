"""A request with the snapshot that the site would take, had it the modelled bookings in its database.

Which of a pool's like devices are meant makes no difference to any rule, so snapshots name the pool. Money is
no object here: one grant without end pays for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from reservations.domain import room
from reservations.domain.asking import (
    GrantLeft,
    NodeSize,
    Price,
    ProjectState,
    Request,
    Snapshot,
    WantedDevice,
)
from reservations.domain.laboratory.holdings import Holdings
from reservations.domain.laboratory.occupancy import Span
from reservations.domain.laboratory.placements import Cluster
from reservations.domain.laboratory.requests import Ask, Group
from reservations.domain.laboratory.usage import moment
from reservations.domain.policy import Policy
from reservations.domain.rules import Case

_GRANT = GrantLeft(1, "unlimited", None, None, Decimal(10) ** 15)


class Cases:
    def __init__(
        self, cluster: Cluster, groups: Mapping[str, Group], policy: Policy, zone: str, holdings: Holdings
    ) -> None:
        self._cluster, self._groups, self._policy, self._zone = cluster, groups, policy, zone
        self._holdings = holdings

    def span(self, ask: Ask, start: int) -> Span:
        """The slot that begins then: as long as is wanted, up to the next mark."""
        mark = self._policy.mark_minutes * 60
        length = max(ask.length, self._policy.shortest_minutes * 60)
        return Span(start, -(-(start + length) // mark) * mark)

    def of(self, ask: Ask, start: int, now: int, before: Case | None = None) -> Case:
        """`before`: of the same project and moment, where only the slot is another."""
        span = self.span(ask, start)
        request = Request(
            ask.project, _names(ask.pool, ask.devices), moment(start), moment(span.end), moment(now)
        )
        known = before.snapshot if before else None
        snapshot = Snapshot(
            devices=_devices(ask.pool, ask.devices, self._cluster.weights[ask.pool]),
            nodes=(NodeSize(ask.pool, self._cluster.node_devices[ask.pool], self._zone),),
            models=known.models if known else (self._holdings.stock(ask.project, ask.pool, now),),
            taken=(), next_free=None,
            standing=known.standing if known else self._holdings.standing(ask.project, now),
            grants=(_GRANT,),
            project=ProjectState(False, None, self._groups[ask.project].project_class),
            cells=self._holdings.cells(ask.pool, request.slot),
        )  # fmt: skip
        return Case.of(request, snapshot, self._policy)


@lru_cache(maxsize=4096)
def _names(pool: str, number: int) -> tuple[str, ...]:
    return tuple(f"{pool}-{index}" for index in range(number))


@lru_cache(maxsize=4096)
def _devices(pool: str, number: int, weight: Fraction) -> tuple[WantedDevice, ...]:
    price = Price(room.rounded_up(weight), Decimal(1), Decimal(0), tariff=1, statement=1)
    return tuple(WantedDevice(name, pool, pool, price) for name in _names(pool, number))
