"""A slot that is open and a job in it, as far as a test wants it to be."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime, timedelta

from common import clock
from nodes.models import Lease
from nodes.services import leases, outputs
from reservations.models import Reservation, Run
from reservations.services import dispatch, runs
from tests.reservations.services.worlds import Lab, make_lab, make_open_node


class Job:
    """One run in a slot that began when it was booked."""

    def __init__(self, lab: Lab | None = None, *, script: str = "python train.py") -> None:
        node = make_open_node(devices=2)
        self.lab = lab or make_lab()
        self.at = clock.now()
        self.reservation: Reservation = self.lab.book([node.devices.all()[0]], None, hours=2, at=self.at)
        self.run: Run = runs.queue_run(
            reservation=self.reservation, node=node, script=script, environment={"SEED": "1"},
            bring_back=["out/*.csv"], by=self.lab.member, at=self.at,
        )  # fmt: skip

    @property
    def lease(self) -> Lease:
        return Lease.objects.get(reference=self.run.reference)

    @property
    def named(self) -> dict[str, object]:
        lease = self.lease
        return {"node_id": lease.node_id, "lease_uid": lease.uid, "fence": lease.fence}

    def start(self) -> Job:
        dispatch.dispatch_due(at=self.at)
        Lease.objects.filter(reference=self.run.reference).update(handed_over_at=self.at)
        leases.start(**self.named, start_delay_ms=18, ago=0.0, at=self.at)  # type: ignore[arg-type]
        dispatch.reap(at=self.at)
        return self

    def print(self, *texts: str) -> Job:
        first = self.lease.log.count() + 1
        chunks = [outputs.Printed(first + number, text) for number, text in enumerate(texts)]
        outputs.append_log(**self.named, chunks=chunks, at=self.at)  # type: ignore[arg-type]
        return self

    def bring_back(self, name: str, content: bytes) -> Job:
        outputs.store_file(
            **self.named, name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest(),
            body=io.BytesIO(content), at=self.at,
        )  # type: ignore[arg-type] # fmt: skip
        return self

    def end(self, *, exit_code: int = 0, at: datetime | None = None) -> Job:
        ending = leases.Ending(
            reason="finished", exit_code=exit_code, peak_memory_bytes=61_400_000, cpu_seconds=12.5
        )
        moment = at or self.at + timedelta(seconds=9)
        leases.end(**self.named, ending=ending, ago=0.0, at=moment)  # type: ignore[arg-type]
        dispatch.reap(at=moment)
        self.run.refresh_from_db()
        return self
