"""Many jobs at one moment on many agents, and from a booking that starts now to the job's own process.

The agents of the first part are simulated: they speak the protocol, and start nothing. That of the second
is real.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from equinode_agent.errors import AgentError  # type: ignore[import-not-found]
from equinode_agent.protocol import SiteClient  # type: ignore[import-not-found]

from bench import figures
from bench.world import World, world
from common import clock
from nodes.domain.intervals import next_mark
from nodes.models import Agent, Device, Lease, Node, NodeInventory
from reservations import tasks
from reservations.models import Reservation, Run
from reservations.services import booking, runs
from tests import factories
from tests.live import eventually

AGENTS, DEVICES = 50, 4
STARTS_NOW = 30
FIRST_IN = timedelta(seconds=90)
SLOT = timedelta(minutes=30)


def measure() -> None:
    with world(nodes=AGENTS, devices=DEVICES, researchers=1) as its:
        _at_once(its)
    with world(nodes=1, devices=STARTS_NOW, researchers=STARTS_NOW) as its:
        _now(its)


# --- many at once ---------------------------------------------------------------------
class SimulatedAgent:
    """Takes leases and reports what a real agent would, at the moment itself."""

    def __init__(self, site: str, node: Node) -> None:
        key = Ed25519PrivateKey.generate()
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        row = Agent.objects.create(
            node=node, public_key=public, version="bench", protocol="1.1", enrolled_at=clock.now()
        )
        self._client = SiteClient(site=site, origin=site, agent=str(row.uid), key=key)
        self._stopping = threading.Event()
        self.started: dict[str, float] = {}  # by reference, on this machine's clock
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(AgentError):
                answer = self._client.get("work?wait=25", timeout=40.0)
                received = time.monotonic()
                for signed in answer["leases"]:
                    self._take(json.loads(signed["payload"]), received)

    def _take(self, lease: dict[str, object], received: float) -> None:
        fence, path = {"fence": lease["fence"]}, f"leases/{lease['lease']}"
        self._client.post(f"{path}/staged", fence)
        moment = received + float(str(lease["starts_in"]))

        def live() -> None:
            time.sleep(max(0.0, moment - time.monotonic()))
            self.started[str(lease["reference"])] = time.time()
            with contextlib.suppress(AgentError):
                self._client.post(f"{path}/started", fence)
                self._client.post(f"{path}/ended", {**fence, "reason": "finished", "exit_code": 0})

        threading.Thread(target=live, daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()


def _at_once(its: World) -> None:
    its.site.start("web", "worker", "beat")
    agents = [SimulatedAgent(its.site.url, node) for node in Node.objects.order_by("id")]
    try:
        start = clock.now().replace(microsecond=0) + FIRST_IN
        first = [_queued(its, device, start) for device in its.devices]
        ahead = _delays(agents, first, start.timestamp())
        # Once more in the slots that run now: nothing could be prepared.
        asked = time.time()
        slots = [Run.objects.get(pk=run.pk).reservation for run in first]
        second = [_queue(its, slot.pk, device) for slot, device in zip(slots, its.devices, strict=True)]
        queued = time.time()
        tasks.hurry()
        late = _delays(agents, second, queued)
    finally:
        for agent in agents:
            agent.stop()
    rows = [["handed over before the moment", ahead], ["queued in slots that run", late]]
    figures.table(
        f"{len(first)} jobs due at once on {AGENTS} simulated agents; queueing took {queued - asked:.1f} s",
        ["jobs", "median ms", "p99 ms", "worst ms"],
        [[name, *_figures(delays)] for name, delays in rows],  # type: ignore[arg-type]
    )


def _queued(its: World, device: Device, start: datetime) -> Run:
    by = its.researchers[0]
    slot = factories.make_slot(
        by.project, [device], start=start, end=start + SLOT, by=by.user, at=clock.now()
    )
    return _queue(its, slot.pk, device)


def _queue(its: World, slot: int, device: Device) -> Run:
    return runs.queue_run(
        reservation=Reservation.objects.get(pk=slot), node=device.node, script="true", environment={},
        bring_back=[], by=its.researchers[0].user, at=clock.now(),
    )  # fmt: skip


def _delays(agents: list[SimulatedAgent], wanted: list[Run], since: float) -> list[float]:
    references = {run.reference for run in wanted}

    def started() -> dict[str, float]:
        return {
            name: at for agent in agents for name, at in dict(agent.started).items() if name in references
        }

    eventually(lambda: len(started()) == len(references), "every job has started", seconds=180)
    return [at - since for at in started().values()]


# --- now ---------------------------------------------------------------------------------
def _now(its: World) -> None:
    Device.objects.update(kind=Device.Kind.HOST)
    its.site.start("web", "worker", "beat")
    its.site.start_agent(its.devices[0].node.slug)
    eventually(NodeInventory.objects.exists, "the agent tells what the machine is")
    # It is not what the node is listed as, which is not what is measured.
    Node.objects.update(state=Node.State.LISTED, drained_at=None, differs_since=None)
    delays = [_start(its, number) for number in range(STARTS_NOW)]
    figures.table(
        f"Start now: from asking for the slot to the job's process, {len(delays)} bookings one after another",
        ["median ms", "p99 ms", "worst ms"],
        [_figures(delays)],
    )


def _start(its: World, number: int) -> float:
    by, device, at = its.researchers[number], its.devices[number], clock.now()
    made = booking.book(
        project=by.project, devices=[UUID(str(device.uid))], start=None, end=next_mark(at + SLOT),
        asked_by=by.user, at=at, job=booking.JobSpec(script="true"),
    )  # fmt: skip
    tasks.hurry()
    run = made.runs.get()
    begun = Lease.objects.filter(reference=run.reference, started_at__isnull=False)
    started_at = eventually(begun.values_list("started_at", flat=True).first, "the job has started")
    assert started_at is not None
    return (started_at - at).total_seconds()


def _figures(delays: list[float]) -> list[str]:
    told = (figures.median(delays), figures.percentile(delays, 99), max(delays))
    return [figures.milliseconds(delay) for delay in told]
