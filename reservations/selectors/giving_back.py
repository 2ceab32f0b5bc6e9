"""What ending a running slot now would cost and free, before anybody confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _, ngettext

from common import formats
from common.ranges import bounds
from reservations.domain import settlement
from reservations.models import Reservation, Run

_OPEN = (Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)


@dataclass(frozen=True)
class Rest:
    """Amounts in EUR, fee included: what is kept and what is left are the price agreed."""

    kept: timedelta
    left: timedelta
    devices: int
    device_hours: Decimal  # that are left
    kept_price: Decimal
    left_price: Decimal
    per_hour: Decimal  # the most that comes back for a device-hour
    ends: datetime
    running: int
    waiting: int

    @property
    def whole_price(self) -> Decimal:
        return self.kept_price + self.left_price

    @property
    def has_jobs(self) -> bool:
        return bool(self.running or self.waiting)

    @property
    def jobs(self) -> str:
        """`1 job runs and 2 wait.`"""
        if self.running and self.waiting:
            return _("%(running)s, %(waiting)s.") % {"running": self._running, "waiting": self._waiting}
        return _("%(jobs)s.") % {"jobs": self._running if self.running else self._waiting}

    @property
    def _running(self) -> str:
        said = ngettext("%(count)d job is on the node", "%(count)d jobs are on nodes", self.running)
        return said % {"count": self.running}

    @property
    def _waiting(self) -> str:
        return ngettext("%(count)d job waits", "%(count)d jobs wait", self.waiting) % {"count": self.waiting}

    @property
    def cost(self) -> str:
        """What is paid for sure, and what others may pay instead."""
        return _(
            "You pay %(kept)s for what you kept. The %(left)s for the rest stay set aside until %(ends)s: "
            "then you get back what others paid for these hours, at most your own price of %(per_hour)s. "
            "Where nobody takes them you pay all %(whole)s. "
            "Hours that your own project takes again give nothing back."
        ) % {
            "kept": formats.money(self.kept_price), "left": formats.money(self.left_price),
            "ends": formats.moment(self.ends), "whole": formats.money(self.whole_price),
            "per_hour": _("%(price)s per device-hour") % {"price": formats.money(self.per_hour, 4)},
        }  # fmt: skip


def rest_of(reservation: Reservation, *, at: datetime) -> Rest:
    start, end = bounds(reservation.during)
    reserved = list(reservation.devices.all())
    states: Sequence[str] = [*reservation.runs.filter(state__in=_OPEN).values_list("state", flat=True)]
    since = min(max(at, start), end)
    left = settlement.price_of([(one.price + one.fee) for one in reserved], end - since)
    return Rest(
        kept=since - start,
        left=end - since,
        devices=len(reserved),
        device_hours=settlement.hours_of(len(reserved), end - since),
        kept_price=reservation.quoted_price - left,
        left_price=left,
        per_hour=max((one.price + one.fee for one in reserved), default=Decimal(0)),
        ends=end,
        running=sum(state != Run.State.QUEUED for state in states),
        waiting=sum(state == Run.State.QUEUED for state in states),
    )
