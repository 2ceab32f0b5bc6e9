"""Publishing the rules: linted, dated, numbered, and entered in the ledger with the reason."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _, ngettext

from common import formats
from common.ranges import between
from ledger.services import append
from reservations import wording
from reservations.domain.linter import lint
from reservations.domain.policy import Policy as Rules
from reservations.errors import PolicyRefused
from reservations.models import Policy
from reservations.services import usage

# Any constant will do, as long as nothing else on this database locks it: "policy" in ASCII.
VERSIONS_LOCK = int.from_bytes(b"policy")


@transaction.atomic
def publish_policy(*, rules: Rules, reason: str, at: datetime) -> Policy:
    """Put rules into force from `at` on, or say everything that is wrong with them."""
    _require_sound(rules)
    with connection.cursor() as cursor:  # two who publish at once would take one number
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [VERSIONS_LOCK])
    last = Policy.objects.order_by("-version").first()
    if last is not None and last.digest == rules.digest:
        raise PolicyRefused(_("These are the numbers already in force."))
    if last is not None:
        _require_later(last, at)
        Policy.objects.filter(pk=last.pk).update(effective=between(last.published_at, at))
    policy = _enter(rules, version=last.version + 1 if last else 1, reason=reason, at=at)
    if last is not None and Rules.from_json(last.rules).half_life != rules.half_life:
        usage.recount(half_life=rules.half_life)
    return policy


def _require_later(last: Policy, at: datetime) -> None:
    """Another steward may have published a moment ago, by a clock that is ahead of ours."""
    if at <= last.published_at:
        raise PolicyRefused(
            _("Version %(number)d takes effect on %(start)s; the next one has to begin after that.")
            % {"number": last.version, "start": formats.moment_with_year(last.published_at)}
        )


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
            faults={fault.field: wording.fault(fault) for fault in faults},
        )  # fmt: skip


def _enter(rules: Rules, *, version: int, reason: str, at: datetime) -> Policy:
    body = {
        "policy": version, "effective_from": at, "rules": rules.to_json(),
        "digest": rules.digest, "reason": reason,
    }  # fmt: skip
    return Policy.objects.create(
        version=version,
        effective=between(at, None),
        rules=rules.to_json(),
        reason=reason,
        digest=rules.digest,
        entry=append(kind="policy", body=body, at=at),
        published_at=at,
    )
