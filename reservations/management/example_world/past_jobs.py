"""Jobs that Ada ran on the workbench on the days before: told by the services as its agent would have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from nodes.models import Lease, Node
from nodes.services import leases, outputs
from reservations.errors import Refused
from reservations.management.example_world.building import World
from reservations.management.example_world.machines import WORKBENCH
from reservations.management.example_world.steps import Step
from reservations.models import Run
from reservations.services import booking, dispatch

PROJECT, PERSON = "protein-shapes", "ada"
HOUR = timedelta(hours=1)
SCRIPT = """\
# Counts the contacts in a made-up chain of residues.
python3 contacts.py || awk 'BEGIN { print "no python here: counted with awk" }'
"""


@dataclass(frozen=True)
class PastJob:
    days_ago: int
    seconds: int
    exit_code: int
    lines: tuple[str, ...]
    peak_mib: int


JOBS = (
    PastJob(6, 1_460, 0, ("read 412 chains", "contacts within 8 A: 18,344", "written to contacts.csv"), 412),
    PastJob(4, 37, 1, ("read 412 chains", "chain 207: no coordinates, stopped"), 118),
    PastJob(
        3,
        1_512,
        0,
        ("read 411 chains, 1 left out", "contacts within 8 A: 18,301", "written to contacts.csv"),
        415,
    ),
)


def steps(world: World, now: datetime) -> Iterator[Step]:
    for job in JOBS:
        day = now.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=job.days_ago)
        played = _Played(world, job, day)
        ends_at = day + timedelta(seconds=job.seconds)
        yield Step(day - 14 * HOUR, 2, played.book)
        yield Step(day - timedelta(minutes=2), 2, played.hand_over)
        yield Step(day, 2, played.start)
        yield Step(ends_at, 2, played.end)


class _Played:
    def __init__(self, world: World, job: PastJob, starts_at: datetime) -> None:
        self.world, self.job, self.starts_at = world, job, starts_at
        self.node: Node = world.nodes[WORKBENCH.slug]
        self.run: Run | None = None

    def book(self, at: datetime) -> None:
        try:
            reservation = booking.book(
                project=self.world.projects[PROJECT],
                devices=[device.uid for device in self.node.devices.all()],
                start=self.starts_at,
                end=self.starts_at + HOUR,
                asked_by=self.world.people[PERSON],
                at=at,
                job=booking.JobSpec(script=SCRIPT, bring_back=("contacts.csv",)),
            )
        except Refused:
            return
        self.run = reservation.runs.get()

    def hand_over(self, at: datetime) -> None:
        dispatch.dispatch_due(at=at)
        if self.run is not None:
            self.run.refresh_from_db()
            node_id, uid, fence = self._lease()
            leases.stage(node_id=node_id, lease_uid=uid, fence=fence, at=at + timedelta(seconds=1))

    def start(self, at: datetime) -> None:
        if self.run is not None:
            node_id, uid, fence = self._lease()
            leases.start(
                node_id=node_id,
                lease_uid=uid,
                fence=fence,
                start_delay_ms=11,
                ago=0,
                at=at + timedelta(milliseconds=11),
            )

    def end(self, at: datetime) -> None:
        if self.run is None:
            return
        node_id, uid, fence = self._lease()
        chunks = [outputs.Printed(seq, f"{line}\n") for seq, line in enumerate(self.job.lines, start=1)]
        outputs.append_log(node_id=node_id, lease_uid=uid, fence=fence, chunks=chunks, at=at)
        ending = leases.Ending(
            reason=Lease.EndReason.FINISHED,
            exit_code=self.job.exit_code,
            peak_memory_bytes=self.job.peak_mib * 1024**2,
            cpu_seconds=self.job.seconds * 0.9,
        )
        leases.end(node_id=node_id, lease_uid=uid, fence=fence, ending=ending, ago=0, at=at)
        dispatch.reap(at=at)

    def _lease(self) -> tuple[int, UUID, int]:
        assert self.run is not None
        assert self.run.lease_uid is not None  # handed over
        lease = Lease.objects.get(uid=self.run.lease_uid)
        return lease.node_id, lease.uid, lease.fence
