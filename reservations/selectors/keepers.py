"""Who may change a reservation: who booked it and the leads of its project."""

from __future__ import annotations

from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext as _

from accounts.models import ProjectMembership, User
from reservations.models import Reservation

LEAD = ProjectMembership.Role.LEAD


def is_keeper(*, reservation: Reservation, role: str, user: User) -> bool:
    """Whether a member with this role in the project may cancel the slot and run jobs in it."""
    return role == LEAD or reservation.booked_by_id == user.pk


def who_keeps(reservation: Reservation) -> str:
    """For the other members: who may change it, by name. Only those who are still members."""
    first = Case(When(user=reservation.booked_by_id, then=Value(0)), default=Value(1))
    keepers = ProjectMembership.objects.filter(
        Q(role=LEAD) | Q(user=reservation.booked_by_id), project=reservation.project_id
    )
    people = keepers.order_by(first, "user__name").values_list("user__name", "user__email")
    names = ", ".join(name or email for name, email in people)
    return _(
        "Only who booked this slot and the project’s leads can cancel it or run jobs in it: %(names)s."
    ) % {"names": names}
