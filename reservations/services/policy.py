"""Publishing the rules: linted, dated, numbered, and entered in the ledger with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max
from django.utils.translation import gettext as _, ngettext

from accounts.models import User
from accounts.services.stewarding import require_reason
from common import formats
from common.access import NotAllowed
from common.ranges import between
from ledger.services import append
from reservations import wording
from reservations.domain.linter import Fault, lint
from reservations.domain.policy import Policy as Rules
from reservations.errors import PolicyRefused
from reservations.models import Policy, UsageBasis
from reservations.services import counting

# Any constant will do, as long as nothing else on this database locks it: "policy" in ASCII.
VERSIONS_LOCK = int.from_bytes(b"policy")
# Nobody is bound by numbers that were announced so long ago.
FURTHEST = timedelta(days=366)


@transaction.atomic
def publish_policy(
    *,
    rules: Rules,
    reason: str,
    at: datetime,
    effective_from: datetime | None = None,
    by: User | None = None,
    follows: int | None = None,
) -> Policy:
    """Put rules into force, from now on where no beginning is given, or say everything that is wrong.

    `follows` is the version that they were compared with: another one may have come in between. Without
    `by` it is the site's first, published as the site is set up.
    """
    _require_steward(by)
    reason = require_reason(reason)
    begins = at if effective_from is None else effective_from
    _require_time(begins, at)
    _require_sound(rules)
    _lock_versions()
    last = Policy.objects.standing().first()
    _require_next(last, rules, begins, at=at, follows=follows)
    if last is not None:
        Policy.objects.filter(pk=last.pk).update(effective=between(last.begins, begins))
    policy = _enter(rules, reason=reason, begins=begins, by=by, at=at)
    if begins > at:
        _name_basis_of(last)  # until the moment comes, everything is counted as it was
    else:
        _count_if_otherwise(policy, rules, last)
    return policy


@transaction.atomic
def call_off_policy(*, policy: Policy, reason: str, by: User, at: datetime) -> Policy:
    """Take back a version that is announced; the one in force goes on."""
    _require_steward(by)
    reason = require_reason(reason)
    _lock_versions()
    policy = Policy.objects.get(pk=policy.pk)
    begins, said = policy.begins, {"number": policy.version}
    if policy.called_off_at is not None:
        raise PolicyRefused(_("Version %(number)d is called off already.") % said)
    if begins <= at:
        raise PolicyRefused(_("Version %(number)d has taken effect; another one can follow it.") % said)
    before = Policy.objects.standing().filter(version__lt=policy.version).first()
    body = {
        "policy": policy.version, "effective_from": begins, "continues": before and before.version,
        "reason": reason,
    }  # fmt: skip
    policy.effective = DateTimeTZRange(empty=True)
    policy.called_off_at, policy.called_off_by, policy.called_off_reason = at, by, reason
    policy.called_off_entry = append(kind="policy_called_off", body=body, at=at)
    policy.would_have_begun = begins
    policy.save()
    if before is not None:
        Policy.objects.filter(pk=before.pk).update(effective=between(before.begins, None))
    return policy


def _require_steward(by: User | None) -> None:
    if by is not None and not by.is_steward:
        raise NotAllowed(_("Only stewards publish the policy and call one off."))


def _require_time(begins: datetime, at: datetime) -> None:
    if begins < at:
        raise PolicyRefused(
            _("A policy takes effect now or later; %(start)s is past.")
            % {"start": formats.moment_with_year(begins)},
            field="effective_from",
        )
    if begins > at + FURTHEST:
        latest = at + FURTHEST
        raise PolicyRefused(
            _("This is more than %(days)d days ahead; choose %(latest)s at the latest.")
            % {"days": FURTHEST.days, "latest": formats.moment_with_year(latest)},
            field="effective_from", limit=FURTHEST.days, latest=latest,
        )  # fmt: skip


def _require_sound(rules: Rules) -> None:
    faults = lint(rules)
    if faults:
        raise PolicyRefused(
            ngettext(
                "This policy has %(number)d fault and was not published.",
                "This policy has %(number)d faults and was not published.",
                len(faults),
            ) % {"number": len(faults)},
            field=faults[0].field,
            faults=sentences(faults),
        )  # fmt: skip


def sentences(faults: Iterable[Fault]) -> dict[str, str]:
    """By field, in the order of the policy; what is wrong with one field several times in one text."""
    said: dict[str, list[str]] = {}
    for fault in faults:
        said.setdefault(fault.field, []).append(wording.fault(fault))
    return {field: " ".join(texts) for field, texts in said.items()}


def _lock_versions() -> None:
    with connection.cursor() as cursor:  # two who publish at once would take one number
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [VERSIONS_LOCK])


def _require_next(
    last: Policy | None, rules: Rules, begins: datetime, *, at: datetime, follows: int | None
) -> None:
    """That it can follow the last version: one that is in force, and not these numbers."""
    if last is None:
        return
    said = {"number": last.version, "start": formats.moment_with_year(last.begins)}
    if last.begins > at and last.begins > last.published_at:
        raise PolicyRefused(
            _("Version %(number)d is announced for %(start)s. Call it off first, or wait until it holds.")
            % said,
            version=last.version,
        )
    # Another steward may have published a moment ago, by a clock that is ahead of ours.
    if begins <= last.begins:
        raise PolicyRefused(
            _("Version %(number)d takes effect on %(start)s; the next one has to begin after that.") % said
        )
    if follows is not None and follows != last.version:
        raise PolicyRefused(
            _("Version %(number)d was published meanwhile. Look at the differences from it first.") % said,
            version=last.version,
        )
    if last.digest == rules.digest:
        raise PolicyRefused(_("These are the numbers already in force."))


def _enter(rules: Rules, *, reason: str, begins: datetime, by: User | None, at: datetime) -> Policy:
    version = (Policy.objects.aggregate(last=Max("version"))["last"] or 0) + 1
    body = {
        "policy": version, "effective_from": begins, "rules": rules.to_json(),
        "digest": rules.digest, "reason": reason,
    }  # fmt: skip
    return Policy.objects.create(
        version=version,
        effective=between(begins, None),
        rules=rules.to_json(),
        reason=reason,
        digest=rules.digest,
        entry=append(kind="policy", body=body, at=at),
        published_at=at,
        published_by=by,
    )


def _name_basis_of(last: Policy | None) -> None:
    if last is not None and not UsageBasis.objects.exists():
        counting.name_basis(policy=last, rules=Rules.from_json(last.rules))


def _count_if_otherwise(policy: Policy, rules: Rules, last: Policy | None) -> None:
    if last is None:
        counting.name_basis(policy=policy, rules=rules)
        return
    _name_basis_of(last)
    if UsageBasis.objects.get().half_life_hours != rules.half_life_hours:
        counting.count_under(policy=policy, rules=rules)
