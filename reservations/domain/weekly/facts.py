"""What a week's sums are worked out from, as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reservations.domain.shares import Tree


@dataclass(frozen=True)
class Use:
    """What a project had of a device in the week."""

    project: int
    node: str
    model: str
    start: datetime
    end: datetime
    weight: Decimal


@dataclass(frozen=True)
class RefusedPart:
    """Devices of one model on one node that one refused request asked for, in the week."""

    project: int
    node: str
    model: str
    start: datetime
    end: datetime
    devices: int
    weight: Decimal  # of all of them
    decision: int
    was_taken: bool  # refused by nothing but that somebody else had the devices


@dataclass(frozen=True)
class Stock:
    """The devices of one model on one node, and their hours in the week that could be booked."""

    node: str
    node_name: str
    model: str
    model_name: str
    owner: str
    owner_name: str
    country: str
    funded: Decimal  # the publicly funded share of its purchase
    bookable_seconds: Decimal


@dataclass(frozen=True)
class ProjectFacts:
    vertex: str  # its key in the tree
    is_open: bool  # stands under its own name
    project_class: str


@dataclass(frozen=True)
class Facts:
    tree: Tree | None
    names: Mapping[str, str]  # of vertices
    projects: Mapping[int, ProjectFacts]
    use: tuple[Use, ...]
    refused: tuple[RefusedPart, ...]
    stock: tuple[Stock, ...]
    first: Mapping[int, Decimal | None]  # hours from opening to the first slot, of new projects that asked
    refusals: Mapping[str, int]  # by rule
    asked: int
    granted: int
