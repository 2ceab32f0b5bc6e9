"""What people would have asked a booking site for, had they had one: a trace's jobs turned into requests.

A trace says when a job was ready, how long it might take and how long it took. It does not say how far
ahead somebody would have booked, what a group is for, or what it was promised: those are drawn from a
seed, by SHA-256, so that the same seed gives the same requests on any machine. docs/policy-laboratory.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from reservations.domain.laboratory.traces import Job, Trace
from reservations.domain.policy import Policy

HOUR = 3600
CPU, GPU = "cpu", "gpu"
POOLS = (CPU, GPU)

# Part of the requests, in percent, that are made so many hours ahead or less; straight between them.
# An assumption: no public trace of bookings is known that tells.
LEAD: tuple[tuple[int, int], ...] = ((50, 0), (70, 4), (85, 24), (95, 72), (100, 168))
# An assumption, too: how many groups in a hundred are of each class, and which shares they have.
CLASS_MIX: tuple[tuple[str, int], ...] = (
    ("research", 50), ("student", 15), ("citizen", 5), ("public", 10), ("startup", 10), ("industry", 10),
)  # fmt: skip
SHARES = (1, 2, 4)


@dataclass(frozen=True)
class Group:
    """One project of the modelled site."""

    project_class: str
    shares: int


@dataclass(frozen=True)
class Assumptions:
    """What a trace does not say. `groups` come before what is drawn."""

    seed: str = "equinode"
    lead: tuple[tuple[int, int], ...] = LEAD
    class_mix: tuple[tuple[str, int], ...] = CLASS_MIX
    shares: tuple[int, ...] = SHARES
    cpus_per_device: int = 1
    groups: Mapping[str, Group] | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. Seconds; moments are Unix time."""

    number: int  # in the order in which jobs are ready
    project: str
    pool: str
    devices: int
    asked: int  # when somebody would book it
    ready: int  # when the job was submitted, and would have started at once
    length: int  # requested
    runs: int  # never longer than the length
    waited: int | None  # as recorded


@dataclass(frozen=True)
class Demand:
    """All requests, the groups that make them, and what was changed on the way, counted."""

    asks: tuple[Ask, ...]
    groups: Mapping[str, Group]
    noted: Mapping[str, int]


# What is counted in Demand.noted.
LENGTH_UNKNOWN, LENGTH_CUT, RUN_CUT = "length_unknown", "length_cut", "run_cut"


def requests_of(trace: Trace, *, policy: Policy, assumed: Assumptions) -> Demand:
    # Groups are projects; where there is but one, its people are.
    by_group = len({job.group for job in trace.jobs}) > 1
    names = [(job.group if by_group else job.user) or "unnamed" for job in trace.jobs]
    given = assumed.groups or {}
    groups = {name: given.get(name) or group_of(name, assumed) for name in sorted(set(names))}
    noted: Counter[str] = Counter({LENGTH_UNKNOWN: 0, LENGTH_CUT: 0, RUN_CUT: 0})
    by_class = {one.project_class: policy.for_class(one.project_class) for one in groups.values()}
    asks = tuple(
        _ask(number, job, name, by_class[groups[name].project_class], assumed, noted)
        for number, (job, name) in enumerate(zip(trace.jobs, names, strict=True))
    )
    return Demand(asks, groups, dict(sorted(noted.items())))


def drawn(seed: str, what: str, which: str, below: int) -> int:
    """A whole number from 0 up to `below`, the same wherever and in whatever order it is drawn."""
    digest = hashlib.sha256(f"{seed}\n{what}\n{which}".encode()).digest()
    return int.from_bytes(digest) * below >> 256


def group_of(name: str, assumed: Assumptions) -> Group:
    """Its class and shares, drawn by its name."""
    classes, weights = zip(*assumed.class_mix, strict=True)
    ticket = drawn(assumed.seed, "class", name, sum(weights))
    place = next(index for index, upper in enumerate(accumulate(weights)) if ticket < upper)
    shares = assumed.shares[drawn(assumed.seed, "shares", name, len(assumed.shares))]
    return Group(classes[place], shares)


def lead_of(number: int, assumed: Assumptions) -> int:
    """How many seconds ahead a request is made: the table read at a random place, whole minutes."""
    place = drawn(assumed.seed, "lead", str(number), 100_000_000)
    below, hours_below = 0, 0
    for percent, hours in assumed.lead:
        upper = percent * 1_000_000
        if place < upper:
            rise = Fraction(place - below, upper - below) * (hours - hours_below)
            return int((hours_below + rise) * 60) * 60
        below, hours_below = upper, hours
    raise AssertionError("a table of leads ends at 100")


def lead_faults(table: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Why a table is none, in words."""
    if not table or table[-1][0] != 100:
        yield "the last percentage is 100"
    steps = [(0, 0), *table]
    if any(right[0] <= left[0] for left, right in pairwise(steps)):
        yield "percentages rise"
    if any(right[1] < left[1] for left, right in pairwise(steps)):
        yield "hours do not fall"


def _ask(
    number: int, job: Job, project: str, policy: Policy, assumed: Assumptions, noted: Counter[str]
) -> Ask:
    mark = policy.mark_minutes * 60
    # A slot may start between marks, now, and ends on one: then the longest is up to a mark shorter.
    longest, horizon = policy.longest_hours * HOUR - mark, policy.horizon_days * 24 * HOUR
    wanted = job.requested if job.requested is not None else job.ran
    length = min(max(wanted, job.ran), longest)
    noted[LENGTH_UNKNOWN] += job.requested is None
    noted[LENGTH_CUT] += length < wanted
    noted[RUN_CUT] += length < job.ran
    pool, devices = _devices(job, assumed)
    lead = max(0, min(lead_of(number, assumed), horizon - length - 2 * mark))
    return Ask(
        number, project, pool, devices, job.submitted - lead, job.submitted, length, min(job.ran, length),
        job.waited,
    )  # fmt: skip


def _devices(job: Job, assumed: Assumptions) -> tuple[str, int]:
    if job.gpus:
        return GPU, -(-job.gpus.numerator // job.gpus.denominator)
    return CPU, -(-job.cpus // assumed.cpus_per_device)
