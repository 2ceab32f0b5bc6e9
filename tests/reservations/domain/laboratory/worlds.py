"""Small traces' requests, and clusters for them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from reservations.domain.laboratory.placements import Cluster, Course
from reservations.domain.laboratory.requests import CPU, GPU, HOUR, Ask, Group

MONDAY = 1_704_067_200  # 2024-01-01 00:00 UTC


def ask(number: int, at: int, *, devices: int = 1, length: int = HOUR, **said: object) -> Ask:
    """Ready `at` seconds into the Monday; asked for then, and as long as it says unless told otherwise."""
    values = {
        "project": "one", "pool": CPU, "asked": MONDAY + at, "ready": MONDAY + at, "runs": length,
        "waited": None,
    } | said  # fmt: skip
    return Ask(number=number, devices=devices, length=length, **values)  # type: ignore[arg-type]


def cluster(devices: int, *, gpus: int = 0, node_devices: int = 4) -> Cluster:
    sizes = {CPU: devices} | ({GPU: gpus} if gpus else {})
    return Cluster(sizes, {CPU: Fraction(1), GPU: Fraction(16)}, dict.fromkeys(sizes, node_devices))


def groups(**shares: int) -> dict[str, Group]:
    return {name: Group("research", share) for name, share in shares.items()}


def crowd(seed: int, size: int = 120) -> list[Ask]:
    """More than 8 devices can do, by three projects, some of it wanted ahead."""
    draw = Random(seed)
    at, asks = 0, []
    for number in range(size):
        at += draw.choice([0, 10, 600, 3000])
        length = draw.choice([600, 1800, HOUR, 5 * HOUR, 30 * HOUR])
        asks.append(
            ask(
                number, at, devices=draw.choice([1, 1, 2, 3, 8]), length=length,
                runs=max(1, length * draw.choice([1, 2, 10]) // 10),
                project=draw.choice(["one", "two", "three"]),
                asked=MONDAY + at - draw.choice([0, 0, 5 * HOUR, 50 * HOUR]),
            )
        )  # fmt: skip
    return asks


def starts(course: Course) -> dict[int, int]:
    """When each began, in seconds of the Monday."""
    return {one.ask.number: one.start - MONDAY for one in course.placed}


def nobody(done: int) -> None:
    """Nobody is told how far it is."""


def most_at_once(course: Course, pool: str = CPU) -> int:
    changes = [(one.start, one.ask.devices) for one in course.placed if one.ask.pool == pool]
    changes += [(one.end, -one.ask.devices) for one in course.placed if one.ask.pool == pool]
    held = most = 0
    for _at, change in sorted(changes):
        held += change
        most = max(most, held)
    return most


def overlapping(course: Course) -> Sequence[tuple[int, int]]:
    """Pairs that share a device at some time."""
    placed = course.placed
    return [
        (one.ask.number, other.ask.number)
        for index, one in enumerate(placed)
        for other in placed[:index]
        if one.mask & other.mask and one.ask.pool == other.ask.pool
        and one.start < other.end and other.start < one.end
    ]  # fmt: skip
