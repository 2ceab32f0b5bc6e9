"""One job per device at a time: the next one waits until the former is confirmed gone."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from equinode_agent import clock


class DeviceDesk:
    def __init__(self) -> None:
        self._holders: dict[int, str] = {}
        self._changed = threading.Condition()

    def take(self, devices: Iterable[int], lease: str, *, until: float, stop: threading.Event) -> bool:
        """Take all of these devices for the lease, or none; False if `until` passes or it is stopped."""
        wanted = list(devices)
        with self._changed:
            while any(self._holders.get(device, lease) != lease for device in wanted):
                left = until - clock.now()
                if left <= 0 or stop.is_set():
                    return False
                self._changed.wait(min(left, 0.5))
            self._holders.update(dict.fromkeys(wanted, lease))
            return True

    def give_back(self, lease: str) -> None:
        with self._changed:
            for device in [device for device, holder in self._holders.items() if holder == lease]:
                del self._holders[device]
            self._changed.notify_all()
