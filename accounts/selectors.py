"""What pages read about people, organisations and projects."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import OrganisationMembership, Project, ProjectMembership

if TYPE_CHECKING:
    from accounts.models import User

# 20 bits: short enough to say aloud, and among the few hundred projects of a site rarely shared.
PSEUDONYM_DIGITS = 5


def public_names(project_ids: Iterable[int], at: datetime) -> dict[int, str]:
    """How each project appears to others at `at`: ONE query.

    A project that uses public money uses it under its own name. Others are "project t0x4c1", the
    same all month (UTC) and another one the next, so that a name cannot be followed for long.
    """
    projects = Project.objects.filter(pk__in=set(project_ids)).values_list(
        "pk", "uid", "name", "uses_public_money"
    )
    return {
        pk: name if is_public else _("project %(pseudonym)s") % {"pseudonym": pseudonym(str(uid), at)}
        for pk, uid, name, is_public in projects
    }


def pseudonym(project_uid: str, at: datetime) -> str:
    """HMAC(secret, project, month), cut to a `t` and a few hexadecimal digits."""
    month = at.astimezone(UTC).strftime("%Y-%m")
    secret = str(settings.PSEUDONYM_SECRET).encode()
    return (
        "t"
        + hmac.new(secret, f"{project_uid} {month}".encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]
    )


@dataclass(frozen=True)
class Membership:
    """Something a person belongs to; `url` is empty where it has no page of its own."""

    name: str
    kind: str
    role: str
    url: str


@dataclass(frozen=True)
class Memberships:
    projects: list[Membership]
    organisations: list[Membership]


def memberships(user: User) -> Memberships:
    """All that a person belongs to, by name: two queries."""
    projects = ProjectMembership.objects.filter(user=user).select_related("project").order_by("project__name")
    organisations = (
        OrganisationMembership.objects.filter(user=user)
        .select_related("organisation")
        .order_by("organisation__name")
    )
    return Memberships(
        projects=[
            Membership(
                one.project.name,
                one.project.get_project_class_display(),
                one.get_role_display(),
                one.project.get_absolute_url(),
            )
            for one in projects
        ],
        organisations=[
            Membership(one.organisation.name, one.organisation.get_kind_display(), one.get_role_display(), "")
            for one in organisations
        ],
    )
