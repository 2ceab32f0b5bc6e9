"""An exception to the policy, as a steward granted it: public, dated, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction

from accounts.models import Project, User
from reservations.management.example_world import people
from reservations.models import PolicyException
from reservations.services import exceptions

PROJECT = "ocean-eddies"
REASON = (
    "One year of the coupled model takes nine days on eight devices and cannot be stopped in between: "
    "its coupler writes checkpoints from its next release on, announced for the spring."
)
_HOURS = Fraction(240)
_HOLDS = timedelta(days=180)


def grant(projects: Mapping[str, Project], *, by: Mapping[str, User], at: datetime) -> None:
    """Once: what a steward has ended since is not granted again."""
    project = projects[PROJECT]
    if PolicyException.objects.filter(project=project).exists():
        return
    exceptions.grant_exception(
        project=project, number=PolicyException.Number.LONGEST_HOURS, value=_HOURS, effective_from=None,
        effective_until=at + _HOLDS, reason=REASON, by=by[people.STEWARD], at=at,
    )  # fmt: skip
