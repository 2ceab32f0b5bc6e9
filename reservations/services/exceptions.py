"""Exceptions to the policy: granted by a steward for one project and some time, with a public reason.

Each change first locks the project's place in the share tree, as a booking does: a slot is decided before
an exception or after it. What was decided under one stays when it ends; decisions keep it in their snapshot.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project, User
from accounts.selectors import pseudonym
from accounts.services import notices, stewarding
from common import formats
from common.access import NotAllowed
from common.ranges import between, bounds
from ledger.services import append
from reservations import wording
from reservations.domain import easing
from reservations.domain.easing import Easing
from reservations.domain.policy import Policy as Rules
from reservations.errors import ExceptionRefused
from reservations.models import PolicyException
from reservations.selectors import policies
from reservations.selectors.standing import class_at
from reservations.services import standing


@transaction.atomic
def grant_exception(
    *,
    project: Project,
    number: str,
    value: Fraction,
    effective_from: datetime | None,
    effective_until: datetime,
    reason: str,
    by: User,
    at: datetime,
) -> PolicyException:
    """Ease one number of the policy for a project; without a beginning, from now on."""
    _require_steward(by)
    reason = stewarding.require_reason(reason)
    begins = at if effective_from is None else effective_from
    _require_time(begins, effective_until, at)
    project = standing.lock(project)
    stewarding.require_other(project=project, by=by)
    policy, for_everybody = policies.in_force(begins)
    # It eases what holds for the project: the number of its class, where that has one of its own.
    code, _until = class_at(begins, project.project_class, project.class_expires_at)
    rules = for_everybody.for_class(code)
    its_own = PolicyException.objects.filter(project=project)
    _require_alone(its_own.filter(number=number, in_force__overlap=between(begins, effective_until)).first())
    throughout = its_own.filter(in_force__contains=between(begins, effective_until))
    _require_fit(number, value, easing.eased(rules, [as_easing(one) for one in throughout]))
    granted = PolicyException(
        project=project, policy=policy, number=number, policy_value=str(easing.of(rules, number)),
        value=str(value), effective=between(begins, effective_until), reason=reason, granted_by=by,
        granted_at=at,
    )  # fmt: skip
    body = {
        "exception": granted.uid, "project": pseudonym(str(project.uid), at), "policy": policy.version,
        "number": number, "policy_value": granted.policy_value, "value": granted.value,
        "effective_from": begins, "effective_until": effective_until, "reason": reason,
    }  # fmt: skip
    granted.entry = append(kind="exception", body=body, at=at)
    granted.save()
    facts = {"value": granted.value, "begins_at": begins, "until_at": effective_until}
    _tell(granted, "exception_granted", facts | {"reason": reason}, at)
    return granted


@transaction.atomic
def end_exception(*, exception: PolicyException, reason: str, by: User, at: datetime) -> PolicyException:
    """From now on the policy holds for the project as for everybody. Booked slots stay."""
    _require_steward(by)
    reason = stewarding.require_reason(reason)
    project = standing.lock(exception.project)
    stewarding.require_other(project=project, by=by)
    exception = PolicyException.objects.select_for_update(of=("self",)).get(pk=exception.pk)
    if exception.ended_at is not None:
        raise ExceptionRefused(
            _("This exception was ended already, on %(end)s.")
            % {"end": formats.moment_with_year(exception.ended_at)}
        )
    ends = bounds(exception.effective)[1]
    if ends <= at:
        raise ExceptionRefused(
            _("This exception is over since %(end)s.") % {"end": formats.moment_with_year(ends)}
        )
    body = {"exception": exception.uid, "ended_at": at, "reason": reason}
    exception.ended_at, exception.ended_by, exception.end_reason = at, by, reason
    exception.end_entry = append(kind="exception_end", body=body, at=at)
    exception.save(update_fields=["ended_at", "ended_by", "end_reason", "end_entry"])
    _tell(exception, "exception_ended", {"until_at": at, "reason": reason}, at)
    return exception


def as_easing(exception: PolicyException) -> Easing:
    return Easing(
        str(exception.uid), exception.number, Fraction(exception.value), bounds(exception.effective)[1]
    )


def _require_steward(by: User) -> None:
    if not by.is_steward:
        raise NotAllowed(_("Only stewards grant and end exceptions to the policy."))


def _require_time(begins: datetime, ends: datetime, at: datetime) -> None:
    said = {"start": formats.moment_with_year(begins), "end": formats.moment_with_year(ends)}
    if begins < at:
        raise ExceptionRefused(
            _("An exception begins now or later; %(start)s is past.") % said, field="effective_from"
        )
    if ends <= begins:
        raise ExceptionRefused(
            _("It would end on %(end)s, before it begins on %(start)s.") % said, field="effective_until"
        )
    latest = at + easing.LONGEST
    if ends > latest:
        raise ExceptionRefused(
            _("An exception ends within %(days)d days, by %(latest)s; %(end)s is later.")
            % {**said, "days": easing.LONGEST.days, "latest": formats.moment_with_year(latest)},
            field="effective_until", limit=easing.LONGEST.days,
        )  # fmt: skip


def _require_alone(other: PolicyException | None) -> None:
    if other is not None:
        begins, ends = bounds(other.in_force)
        raise ExceptionRefused(
            _("%(name)s: there is one already from %(start)s until %(end)s, of %(value)s. End it first.") % {
                "name": wording.number_name(other.number),
                "start": formats.moment_with_year(begins),
                "end": formats.moment_with_year(ends),
                "value": wording.value_said(other.number, Fraction(other.value)),
            },
            field="number", exception=str(other.uid),
        )  # fmt: skip


def _require_fit(number: str, value: Fraction, present: Rules) -> None:
    """Under the policy as other exceptions ease it: a longer slot may need a farther horizon first."""
    found = easing.unfit(number=number, value=value, policy=present)
    if found is not None:
        raise ExceptionRefused(
            wording.unfit(found, number=number, value=value),
            field="value", number=number, limit=str(found.limit), actual=str(value),
        )  # fmt: skip


def _tell(exception: PolicyException, kind: str, facts: dict[str, object], at: datetime) -> None:
    project = exception.project
    notices.notify(
        users=User.objects.filter(project_memberships__project=project), kind=kind,
        params={
            "project": project.name, "number": exception.number, "policy_value": exception.policy_value,
            **facts,
        },
        url=project.get_absolute_url(), dedupe=f"{kind}:{exception.uid}", at=at,
    )  # fmt: skip
