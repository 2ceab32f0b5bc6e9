"""Who belongs to a project, with their caps and what they used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import OuterRef, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, JSONObject

from accounts.models import Project, ProjectMembership, User
from reservations.selectors.exceptions import with_exceptions

# By whoever held the slots, of those that are over: what their project's use is made of.
_USED = """
ARRAY(SELECT json_build_object('id', use.person_id, 'used', use.cost_weighted_hours::text)::text
        FROM reservations_memberuse use
        JOIN reservations_vertex vertex ON vertex.id = use.vertex_id
       WHERE vertex.project_id = accounts_project.id)
"""
_MEMBER = JSONObject(
    id="user_id", name="user__name", email="user__email", role="role", cap=Cast("monthly_cap", TextField())
)


@dataclass(frozen=True)
class Member:
    name: str
    role: str
    cap: Decimal | None  # device-hours a month
    used: Decimal  # cost-weighted hours
    part: Decimal  # of what the project used; others may have left it since


def projects_of(user: User) -> QuerySet[Project]:
    """Those that this person belongs to, with their `people` and what each `used`, as the page has them."""
    members = (
        ProjectMembership.objects.filter(project=OuterRef("pk"))
        .order_by("role", "user__name")  # leads first: the two words stand in this order
        # As text, read in one go: hundreds of members are hundreds of calls otherwise.
        .values(json=Cast(_MEMBER, TextField()))
    )
    used = RawSQL(_USED, [], output_field=ArrayField(TextField()))  # noqa: S611  # no text of a reader
    found = Project.objects.of(user).annotate(people=ArraySubquery(members), used=used)
    return with_exceptions(found.select_related("organisation"))


def members_of(project: Project) -> Iterator[Member]:
    """Of one out of `projects_of`."""
    people: list[str] = project.people  # type: ignore[attr-defined]  # annotated above
    roles = {role.value: str(role.label) for role in ProjectMembership.Role}
    used: list[str] = project.used  # type: ignore[attr-defined]  # annotated above
    sums = {one["id"]: Decimal(one["used"]) for one in map(json.loads, used)}
    whole = sum(sums.values(), Decimal(0))
    for person in json.loads(f"[{','.join(people)}]"):
        hours, cap = sums.get(person["id"], Decimal(0)), person["cap"]
        yield Member(
            name=person["name"] or person["email"],
            role=roles[person["role"]],
            cap=None if cap is None else Decimal(cap),
            used=hours,
            part=hours / whole if whole else Decimal(0),
        )
