"""Decayed usage of projects whose jobs run: forward decay, so that nothing has to be refreshed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction

from reservations.domain import decay, room

# Sums of 34 digits each stay exact over the years that a trace can be.
SUM = Context(prec=400)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Usage:
    """As a queue counts it: jobs that run count what they have used up to now."""

    def __init__(self, weights: Mapping[str, Fraction], half_life: timedelta, *, since: int) -> None:
        self._weights = {pool: Decimal(str(room.rounded_up(weight))) for pool, weight in weights.items()}
        self._half_life = half_life
        self._since = moment(since)
        # stored + running x G(now): G grows for everybody alike, so each start and end is one sum.
        self._stored: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._running: defaultdict[str, Decimal] = defaultdict(Decimal)

    def change(self, project: str, pool: str, devices: int, now: int) -> None:
        """So many devices more from now on, or less."""
        weight = self._weights[pool] * devices
        self._stored[project] = SUM.subtract(self._stored[project], SUM.multiply(weight, self._grown(now)))
        self._running[project] += weight

    def by_project(self, now: int) -> dict[str, Fraction]:
        """In cost-weighted hours, to the sixth decimal."""
        grown = self._grown(now)
        return {
            project: Fraction(room.rounded_up(Fraction(self._seen(project, grown, now))))
            for project in self._stored
        }

    def _seen(self, project: str, grown: Decimal, now: int) -> Decimal:
        stored = SUM.add(self._stored[project], SUM.multiply(self._running[project], grown))
        return decay.seen_at(moment(now), stored, self._half_life)

    def _grown(self, now: int) -> Decimal:
        return decay.integral(self._since, moment(now), self._half_life)
