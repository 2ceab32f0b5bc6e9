"""From the beginning of a slot to the job's own process, with the real agent and every real part between."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from bench import figures
from bench.world import World, world
from common import clock
from nodes.models import Device, Lease, LogChunk
from reservations.models import Run
from reservations.services import runs
from tests import factories
from tests.live import eventually

JOBS = 50
APART = timedelta(seconds=3)  # slots this short exist only here: the grid's shortest is half an hour
FIRST_IN = timedelta(seconds=25)


def measure() -> None:
    with world(nodes=1, devices=1, researchers=1) as its:
        Device.objects.update(kind=Device.Kind.HOST)
        its.site.start("web", "worker", "beat")
        its.site.start_agent(its.devices[0].node.slug)
        first = clock.now().replace(microsecond=0) + FIRST_IN
        for number in range(JOBS):
            _book(its, first + number * APART)
        eventually(_all_over, "every job is over", seconds=JOBS * APART.total_seconds() + 120)
        _report()


def _book(its: World, start: datetime) -> None:
    by, device, at = its.researchers[0], its.devices[0], clock.now()
    slot = factories.make_slot(by.project, [device], start=start, end=start + APART, by=by.user, at=at)
    runs.queue_run(
        reservation=slot, node=device.node, script="date +%s.%N", environment={}, bring_back=[],
        by=by.user, at=at,
    )  # fmt: skip


def _all_over() -> bool:
    time.sleep(1)
    unfinished = (Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)
    return not Run.objects.filter(state__in=unfinished).exists()


def _report() -> None:
    started = list(Lease.objects.exclude(started_at=None))
    by_agent = [(lease.start_delay_ms or 0) / 1000 for lease in started]
    by_job = [
        float(chunk.text) - chunk.lease.not_before.timestamp()
        for chunk in LogChunk.objects.filter(seq=1).select_related("lease")
    ]
    figures.table(
        f"Slot start to process start: {len(started)} of {JOBS} jobs started",
        ["seen by", "median ms", "p99 ms", "worst ms"],
        [
            [
                name,
                figures.milliseconds(figures.median(delays)),
                figures.milliseconds(figures.percentile(delays, 99)),
                figures.milliseconds(max(delays)),
            ]
            for name, delays in {"the agent": by_agent, "the job’s first command": by_job}.items()
        ],
    )
