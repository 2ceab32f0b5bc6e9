"""In which order all projects are served: of a large tree kept for a minute, for their pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from common.kept import kept
from reservations.domain.policy import Policy
from reservations.selectors.shares import share_tree

# Up to so many the whole tree is read each time, and places are of this moment.
_SMALL = 500


@dataclass(frozen=True)
class Ranking:
    at: datetime
    places: Mapping[int, int]  # by project; 1 goes first

    @property
    def is_large(self) -> bool:
        return len(self.places) > _SMALL


def ranking(*, policy: Policy, at: datetime, project: int) -> Ranking:
    """One in which this project, which is in the share tree, has its place."""
    found = kept("ranking", lambda: _ranking(policy, at), at=at, is_large=lambda ranking: ranking.is_large)
    return found if project in found.places else _ranking(policy, at)


def _ranking(policy: Policy, at: datetime) -> Ranking:
    shares = share_tree(policy=policy, at=at)
    if shares is None:
        return Ranking(at, {})
    places: dict[int, int] = {}
    before = 0
    for tied in shares.tree.order():
        places.update((shares.project_of_key[key], before + 1) for key in tied)
        before += len(tied)
    return Ranking(at, places)
