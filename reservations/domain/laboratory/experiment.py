"""One experiment: a trace, a policy and assumptions, played through every way of deciding; and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from reservations.domain import exact_json, room
from reservations.domain.engines import CURRENT
from reservations.domain.exact_json import Json
from reservations.domain.laboratory import booking, queueing
from reservations.domain.laboratory.booking import Person
from reservations.domain.laboratory.outcomes import Outcome, outcome_of, recorded
from reservations.domain.laboratory.placements import Cluster, Course
from reservations.domain.laboratory.requests import (
    CPU,
    GPU,
    HOUR,
    POOLS,
    Ask,
    Assumptions,
    Demand,
    Group,
    requests_of,
)
from reservations.domain.laboratory.traces import Trace
from reservations.domain.policy import Policy

COURSES = (booking.NAME, "fcfs", "fcfs_backfill", "fair_tree")
# A number of devices that no machine has would only fill memory.
MOST_DEVICES = 200_000
TOO_LARGE = "larger_than_the_cluster"
# Where nothing says how large the machine was: so that the work is this part of what it could do.
USUAL_LOAD = Fraction(4, 5)


@dataclass(frozen=True)
class Machine:
    """How the modelled cluster is sized. None: as the trace says, or by the usual load."""

    devices: int | None = None
    gpus: int | None = None
    load: Fraction | None = None
    gpu_weight: Fraction = Fraction(16)  # a GPU's hour counts as so many of a CPU
    node_cpus: int = 32
    node_gpus: int = 4
    zone: str = "UTC"


@dataclass(frozen=True)
class Pool:
    name: str
    devices: int
    weight: Fraction
    node_devices: int
    sized_by: str  # given, load, header or peak


@dataclass(frozen=True)
class Report:
    """Everything that decides the figures, then the figures. The same inputs give the same bytes."""

    trace: str  # the SHA-256 of the file, unpacked
    policy: str  # its digest
    engine: str
    assumed: Assumptions
    person: Person
    zone: str
    pools: tuple[Pool, ...]
    requests: int
    left_out: dict[str, int]
    noted: dict[str, int]
    projects: int
    days: Decimal
    load: Decimal  # all work over all capacity, up to the last job
    outcomes: tuple[Outcome, ...]

    def to_json(self) -> dict[str, Json]:
        written = exact_json.written(self)
        assert isinstance(written, dict)
        return written

    @property
    def digest(self) -> str:
        return exact_json.digest(self.to_json())


class TooLarge(ValueError):
    """The modelled cluster has more devices than can be held in memory."""


@dataclass(frozen=True)
class Experiment:
    demand: Demand
    asks: tuple[Ask, ...]
    pools: tuple[Pool, ...]
    left_out: dict[str, int]
    policy: Policy
    assumed: Assumptions
    person: Person
    zone: str

    @property
    def cluster(self) -> Cluster:
        return Cluster(
            {pool.name: pool.devices for pool in self.pools},
            {pool.name: pool.weight for pool in self.pools},
            {pool.name: pool.node_devices for pool in self.pools},
        )

    def course(self, name: str, tick: Callable[[int], None]) -> Course:
        if name == booking.NAME:
            return booking.booked(
                self.asks, self.cluster, groups=self.demand.groups, policy=self.policy, zone=self.zone,
                person=self.person, tick=tick,
            )  # fmt: skip
        if name == "fair_tree":
            return queueing.fair_tree(
                self.asks, self.cluster, groups=self.demand.groups, half_life=self.policy.half_life, tick=tick
            )
        return queueing.first_come(self.asks, self.cluster, backfill=name == "fcfs_backfill", tick=tick)

    def report(self, courses: Iterable[Course], trace_digest: str) -> Report:
        """Of these, and of what the trace says happened, where it says so."""
        told = recorded(self.asks)
        outcomes = tuple(
            outcome_of(course, self.asks, cluster=self.cluster, groups=self.demand.groups, policy=self.policy)
            for course in ([told] if told else []) + [*courses]
        )
        ready = [ask.ready for ask in self.asks]
        return Report(
            trace=trace_digest, policy=self.policy.digest, engine=CURRENT, assumed=self.assumed,
            person=self.person, zone=self.zone, pools=self.pools, requests=len(self.asks),
            left_out=self.left_out, noted=dict(self.demand.noted), projects=len(self.demand.groups),
            days=room.rounded_down(Fraction(max(ready) - min(ready), 86_400)),
            load=room.rounded_down(_load(self.asks, self.cluster)), outcomes=outcomes,
        )  # fmt: skip


def prepare(
    trace: Trace, *, policy: Policy, assumed: Assumptions, machine: Machine, person: Person
) -> Experiment:
    demand = requests_of(trace, policy=policy, assumed=assumed)
    pools = tuple(_pools(demand.asks, trace, assumed, machine))
    sizes = {pool.name: pool.devices for pool in pools}
    asks = tuple(ask for ask in demand.asks if ask.devices <= sizes[ask.pool])
    left_out = Counter(trace.left_out)
    left_out[TOO_LARGE] = len(demand.asks) - len(asks)
    present = {ask.project for ask in asks}
    groups: dict[str, Group] = {name: group for name, group in demand.groups.items() if name in present}
    return Experiment(
        Demand(asks, groups, demand.noted), asks, pools, dict(sorted(left_out.items())), policy, assumed,
        person, machine.zone,
    )  # fmt: skip


def _pools(asks: Sequence[Ask], trace: Trace, assumed: Assumptions, machine: Machine) -> Iterator[Pool]:
    weights = {CPU: Fraction(1), GPU: machine.gpu_weight}
    nodes = {CPU: machine.node_cpus, GPU: machine.node_gpus}
    given: Mapping[str, int | None] = {CPU: machine.devices, GPU: machine.gpus}
    span = max(HOUR, max(ask.ready for ask in asks) - min(ask.ready for ask in asks))
    header = {CPU: None if trace.processors is None else trace.processors // assumed.cpus_per_device}
    for name in POOLS:
        of_pool = [ask for ask in asks if ask.pool == name]
        if not of_pool:
            continue
        devices, sized_by = _size(of_pool, span, given[name], machine.load, header.get(name))
        if devices > MOST_DEVICES:
            raise TooLarge(f"{devices:,} devices of {name}, and {MOST_DEVICES:,} at most")
        yield Pool(name, devices, weights[name], min(devices, nodes[name]), sized_by)


def _size(
    asks: Sequence[Ask], span: int, given: int | None, load: Fraction | None, header: int | None
) -> tuple[int, str]:
    largest = max(ask.devices for ask in asks)
    told = recorded(asks)
    if given is not None:
        return given, "given"
    if load is None and header:
        return header, "header"
    if load is None and told is not None:
        return max(largest, _peak(told)), "peak"
    work = sum(ask.devices * ask.runs for ask in asks)
    wanted = Fraction(work) / (span * (load or USUAL_LOAD))
    return max(largest, -(-wanted.numerator // wanted.denominator)), "load"


def _peak(told: Course) -> int:
    """The most devices that jobs held at one moment, as recorded."""
    changes = [(one.start, one.ask.devices) for one in told.placed]
    changes += [(one.end, -one.ask.devices) for one in told.placed]
    held = most = 0
    for _at, change in sorted(changes):  # of one moment, what ends comes first
        held += change
        most = max(most, held)
    return most


def _load(asks: Sequence[Ask], cluster: Cluster) -> Fraction:
    ready = [ask.ready for ask in asks]
    work = sum((cluster.weights[ask.pool] * (ask.devices * ask.runs) for ask in asks), Fraction(0))
    per_second = sum((n * cluster.weights[pool] for pool, n in cluster.devices.items()), Fraction(0))
    return work / (per_second * max(HOUR, max(ready) - min(ready)))
