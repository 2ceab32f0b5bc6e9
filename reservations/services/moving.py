"""A steward gives a project another account or other shares: the reason is kept, its leads are told.

Decisions already taken keep the snapshot that they were taken on, so they replay as before. Usage hangs on
the project's own place, so what it used and what it has booked count in its new account from then on.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Project, ProjectMembership, StewardAct, User
from accounts.services import notices, stewarding
from common.access import NotAllowed
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.services import projects, standing

MOST_SHARES = 1_000_000
LONGEST_REASON = 300  # what changed is kept beside it
_LONGEST_NAME = 80


@transaction.atomic
def move(
    *, project: Project, account: Vertex, shares_among_siblings: int, reason: str, by: User, at: datetime
) -> Vertex:
    """Under the lock that a booking takes: it is decided before the change or after it, never across it."""
    if not by.is_steward:
        raise NotAllowed(_("Only stewards give projects another account or other shares."))
    reason = require_reason(reason)
    project = standing.lock(project)
    stewarding.require_other(project=project, by=by)
    # Two who bring projects of one name into an account wait in turn, so that the second gets another.
    account = Vertex.objects.select_for_update(no_key=True, of=("self",)).get(pk=account.pk)
    before = Vertex.objects.filter(project=project).select_related("parent").first()
    _require_sound(project, before, account, shares_among_siblings)
    try:
        with transaction.atomic():
            vertex = projects.place(
                project=project, account=account, shares_among_siblings=shares_among_siblings
            )
    except IntegrityError as exc:  # opened there in this moment, under the same name
        raise ShareRefused(
            _("%(account)s has “%(name)s” already.") % {"account": account, "name": project}, field="account"
        ) from exc
    stewarding.write_down(
        act=StewardAct.Act.MOVED, project=project, reason=f"{_change(before, vertex)}. {reason}", by=by, at=at
    )
    _tell(project, vertex, reason, at)
    return vertex


def require_count(count: int) -> None:
    """ShareRefused unless there may be so many shares among siblings."""
    if not 0 <= count <= MOST_SHARES:
        raise ShareRefused(
            _("Shares are a whole number from 0 to %(most)d; %(count)d were asked for.")
            % {"most": MOST_SHARES, "count": count},
            field="shares", limit=MOST_SHARES, actual=count,
        )  # fmt: skip


def _require_sound(project: Project, before: Vertex | None, account: Vertex, count: int) -> None:
    if project.personal_to_id is not None:
        raise ShareRefused(_("A personal project stays in the account that all personal projects share."))
    require_count(count)
    if before is not None and before.parent_id == account.pk:
        if before.shares == count:
            raise ShareRefused(
                _("%(project)s stands below %(account)s with %(count)d shares already.")
                % {"project": project, "account": account, "count": count}
            )
        return
    if account.project_id is not None or account.parent_id is None:
        raise ShareRefused(_("A project stands below an account."), field="account")
    if account.is_independent:
        raise ShareRefused(
            _("Personal projects alone share %(account)s.") % {"account": account}, field="account"
        )


def require_reason(reason: str) -> str:
    """Why, with room for what changed beside it."""
    reason = stewarding.require_reason(reason)
    if len(reason) > LONGEST_REASON:
        raise ShareRefused(
            _("The reason has %(length)d characters; %(limit)d is the most.")
            % {"length": len(reason), "limit": LONGEST_REASON},
            field="reason", limit=LONGEST_REASON,
        )  # fmt: skip
    return reason


def _change(before: Vertex | None, after: Vertex) -> str:
    return f"{_place(before)} → {_place(after)}"


def _place(vertex: Vertex | None) -> str:
    """`Universities (3)`, in every language."""
    if vertex is None or vertex.parent is None:
        return "–"
    return f"{vertex.parent.name[:_LONGEST_NAME]} ({'–' if vertex.shares is None else vertex.shares})"


def _tell(project: Project, vertex: Vertex, reason: str, at: datetime) -> None:
    leads = User.objects.filter(
        project_memberships__project=project, project_memberships__role=ProjectMembership.Role.LEAD
    )
    assert vertex.parent is not None  # just placed below an account
    notices.notify(
        users=leads, kind="project_moved",
        params={
            "project": project.name, "account": vertex.parent.name, "shares": vertex.shares, "reason": reason,
        },
        url=project.get_absolute_url(), dedupe=f"moved:{project.uid}:{at:%Y%m%dT%H%M%S}", at=at,
    )  # fmt: skip
