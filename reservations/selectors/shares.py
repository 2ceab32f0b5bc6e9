"""The whole share tree with its usage, for pages and rounds. A booking reads selectors.standing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from reservations.domain import decay
from reservations.domain.policy import Policy
from reservations.domain.shares import Tree, Vertex as Node
from reservations.models import Vertex


@dataclass(frozen=True)
class ShareTree:
    """`tree` knows vertices by the text of their id; names and projects are looked up here."""

    tree: Tree
    names: dict[str, str]
    key_of_project: dict[int, str]
    project_of_key: dict[str, int]


def share_tree(*, policy: Policy, at: datetime) -> ShareTree | None:
    """Usage as it counts at `at`: decayed, and what is booked in full. One query; None without a root."""
    rows = Vertex.objects.values_list(
        "pk", "parent_id", "shares", "project_id", "name", "decayed_usage", "committed"
    )
    vertices, names, projects = [], {}, {}
    for pk, parent, shares, project, name, stored, committed in rows.order_by("pk"):
        usage = Fraction(decay.seen_at(at, stored, policy.half_life)) + Fraction(committed)
        parent_key = None if parent is None else str(parent)
        vertices.append(Node(str(pk), parent_key, shares, usage, is_leaf=project is not None))
        names[str(pk)] = name
        if project is not None:
            projects[project] = str(pk)
    if not vertices:
        return None
    return ShareTree(Tree(vertices), names, projects, {key: project for project, key in projects.items()})
