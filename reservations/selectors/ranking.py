"""In which order all projects are served, and why: of a large tree kept for a minute, for their pages."""

from __future__ import annotations

from datetime import datetime

from common.kept import kept
from reservations.domain.policy import Policy
from reservations.selectors.shares import ShareTree, share_tree

# Up to so many the whole tree is read each time, and places are of this moment.
_SMALL = 500


def ranked(*, policy: Policy, at: datetime, project: int) -> ShareTree | None:
    """One in which this project has its place; None where it has none in the share tree."""
    found = kept("ranked", lambda: _read(policy, at), at=at, is_large=_is_large)
    if found is None or project not in found.places:
        found = _read(policy, at)
    return found if found is not None and project in found.places else None


def _read(policy: Policy, at: datetime) -> ShareTree | None:
    shares = share_tree(policy=policy, at=at)
    if shares is not None:
        _ = shares.places  # worked out here, so that it is kept, too
    return shares


def _is_large(shares: ShareTree | None) -> bool:
    return shares is not None and len(shares.project_of_key) > _SMALL
