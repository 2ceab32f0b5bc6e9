"""Giving a project its class, and taking it back when its time is over."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain import classes
from accounts.errors import ClassRefused
from accounts.models import ClassGrant, Organisation, Project, User
from accounts.services import members, notices, stewarding
from common import formats


@transaction.atomic
def give_class(
    *,
    project: Project,
    project_class: str,
    by: User,
    reason: str,
    expires_at: datetime | None,
    at: datetime,
    on_behalf_of: Organisation | None = None,
) -> Project:
    """A steward, or an organisation whose kind permits it, says what a project is and until when.

    The caller has checked who `by` is. Every class but "independent" ends one day.
    """
    _require_sound(project_class, on_behalf_of, reason, expires_at, at)
    project = members.lock(project)
    if on_behalf_of is None:
        stewarding.require_other(project=project, by=by)
    expires_at = None if project_class == classes.INDEPENDENT else expires_at
    project.project_class, project.class_expires_at = project_class, expires_at
    project.save(update_fields=["project_class", "class_expires_at"])
    ClassGrant.objects.create(
        project=project, project_class=project_class, given_by=by, on_behalf_of=on_behalf_of,
        reason=reason.strip()[:500], given_at=at, expires_at=expires_at,
    )  # fmt: skip
    return project


@transaction.atomic
def let_lapse(*, at: datetime) -> int:
    """Projects whose class is over are independent again; answers how many. Their slots stay as they are."""
    over = Project.objects.filter(class_expires_at__lte=at).order_by("pk")
    count = 0
    for project in over.select_for_update(no_key=True, skip_locked=True):
        ended_at = project.class_expires_at or at
        project.project_class, project.class_expires_at = classes.INDEPENDENT, None
        project.save(update_fields=["project_class", "class_expires_at"])
        _tell(project, ended_at, at)
        count += 1
    return count


def _require_sound(
    project_class: str,
    on_behalf_of: Organisation | None,
    reason: str,
    expires_at: datetime | None,
    at: datetime,
) -> None:
    if not reason.strip():
        raise ClassRefused(_("Give the reason: it is kept with the class."), field="reason")
    if on_behalf_of is not None:
        permitted = classes.vouched_for_by(
            on_behalf_of.kind, is_verified=on_behalf_of.verified_at is not None
        )
        if project_class not in permitted:
            raise ClassRefused(
                _("%(name)s cannot vouch for the class “%(class)s”: a funder or a steward can.")
                % {"name": on_behalf_of, "class": Project.Class(project_class).label},
                field="project_class",
            )
    if project_class == classes.INDEPENDENT:
        return
    if expires_at is None:
        raise ClassRefused(_("Say until when the class holds."), field="class_expires_at")
    if not at < expires_at <= at + classes.LONGEST:
        raise ClassRefused(
            _("A class holds until a day between now and %(latest)s.")
            % {"latest": formats.long_day(at + classes.LONGEST)},
            field="class_expires_at",
        )


def _tell(project: Project, ended_at: datetime, at: datetime) -> None:
    leads = User.objects.filter(project_memberships__project=project, project_memberships__role="lead")
    notices.notify(
        users=leads, kind="class_ended", params={"project": project.name},
        url=project.get_absolute_url(), dedupe=f"class-ended:{project.uid}:{ended_at:%Y%m%dT%H%M}", at=at,
    )  # fmt: skip
