"""What a policy made of the requests: where each job came to lie, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from reservations.domain.laboratory.requests import Ask


@dataclass(frozen=True)
class Cluster:
    """The modelled machine, by pool: like devices, what an hour of one counts, how many a node has."""

    devices: Mapping[str, int]
    weights: Mapping[str, Fraction]
    node_devices: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Placement:
    """A job that ran: `[start, end)` in seconds, on devices that were first set aside until `until`."""

    ask: Ask
    start: int
    end: int
    until: int
    mask: int = 0  # which devices; 0 where the policy only counts them

    @property
    def wait(self) -> int:
        """From when the job was ready."""
        return self.start - self.ask.ready


@dataclass(frozen=True)
class Refused:
    """A job that was given up, and the first rule that refused it when it was asked for the last time."""

    ask: Ask
    rule: str


@dataclass(frozen=True)
class Course:
    """One policy's run over all requests, each of which is in one of the two."""

    name: str
    placed: tuple[Placement, ...]
    refused: tuple[Refused, ...] = ()
    first_refusals: Mapping[str, int] | None = None  # by rule, of requests as they were first asked
    moved: int = 0  # granted, but later than they were asked for
