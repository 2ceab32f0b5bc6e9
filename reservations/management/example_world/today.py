"""What Ada does around the moment the world is made: so that whoever signs in as her finds it alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from nodes import selectors as nodes
from nodes.models import Device
from reservations.errors import Refused
from reservations.management.example_world.building import World
from reservations.management.example_world.steps import Step
from reservations.services import booking

HOUR = timedelta(hours=1)
PROJECT, PERSON = "protein-shapes", "ada"

# Runs on the node's /bin/sh with what is under /usr, for about two minutes.
JOB = booking.JobSpec(
    script="""\
# Estimates pi by throwing darts, a little better at every step.
echo "Running on $(uname -n) with $(nproc) processors"
for step in 1 2 3 4 5 6 7 8 9 10 11 12; do
  awk -v seed="$step" 'BEGIN {
    srand(seed)
    for (i = 0; i < 400000; i++) { x = rand(); y = rand(); if (x * x + y * y < 1) inside++ }
    print seed "," inside
  }' >> darts.csv
  awk -F, -v step="$step" '{ inside += $2 } END {
    printf "step %2d of 12: pi is about %.5f\\n", step, 4 * inside / (step * 400000)
  }' darts.csv
  sleep 8
done
awk -F, '{ inside += $2 } END { printf "%.6f\\n", 4 * inside / (NR * 400000) }' darts.csv > pi.txt
echo "Done: pi.txt and darts.csv come back with the job"
""",
    bring_back=("pi.txt", "darts.csv"),
)


def steps(world: World, now: datetime) -> Iterator[Step]:
    """Times are on quarter hours, as the policy wants slots."""
    mark = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    yield Step(now - 26 * HOUR, 2, _Booking(world, "lyon-h100", 2, mark - HOUR, mark + 5 * HOUR))
    yield Step(now - 3 * HOUR, 2, _Booking(world, "lyon-a100", 2, mark + 20 * HOUR, mark + 32 * HOUR))
    # More than the rules allow: the answer is a refusal to read.
    yield Step(now - 2 * HOUR, 2, _Booking(world, "lyon-h100", 8, mark + 48 * HOUR, mark + 200 * HOUR))
    # An hour at most: whoever signs up to this world wants the one node that runs jobs soon.
    yield Step(now, 2, _Booking(world, "workbench", 1, None, mark + HOUR, JOB))


class _Booking:
    def __init__(
        self,
        world: World,
        machine: str,
        devices: int,
        start: datetime | None,
        end: datetime,
        job: booking.JobSpec | None = None,
    ) -> None:
        self.world, self.machine, self.devices = world, machine, devices
        self.start, self.end, self.job = start, end, job

    def __call__(self, at: datetime) -> None:
        try:
            booking.book(
                project=self.world.projects[PROJECT],
                devices=[device.uid for device in self._pick(at)],
                start=self.start,
                end=self.end,
                asked_by=self.world.people[PERSON],
                at=at,
                job=self.job,
            )
        except Refused:
            return  # the refusal is stored, for Ada to read

    def _pick(self, at: datetime) -> list[Device]:
        devices = list(self.world.nodes[self.machine].devices.order_by("index"))
        ids = [device.pk for device in devices]
        taken = {
            hold.device_id for hold in nodes.conflicts(device_ids=ids, start=self.start or at, end=self.end)
        }
        free = [device for device in devices if device.pk not in taken]
        return free[: self.devices] if len(free) >= self.devices else devices[: self.devices]
