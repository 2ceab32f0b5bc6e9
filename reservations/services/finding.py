"""Looking for slots that answer a need, for a member of a project. Nothing is stored or held."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Project, User
from reservations.domain.needs import Need
from reservations.models import Capacity
from reservations.selectors import needs, policies
from reservations.selectors.needs import Answers
from reservations.services import capacity, counting, deciding


@counting.retried
def find(*, need: Need, project: Project, asked_by: User, at: datetime) -> Answers:
    """Free slots that every rule would grant now, and those that something else keeps from fitting."""
    if not project.memberships.filter(user=asked_by).exists():
        raise deciding.not_a_member()
    _policy, rules = policies.in_force(at)
    if not Capacity.objects.exists():  # afterwards a sweep measures
        capacity.measure(at=at)
    return needs.answers_to(need, project=project, asked_by=asked_by, rules=rules, at=at)
