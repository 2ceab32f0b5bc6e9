"""Publishing how far prices may lie above their cost: dated, numbered, in the ledger with the reason."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _, ngettext

from accounts.models import User
from accounts.services import stewarding
from common.access import NotAllowed
from common.ranges import between
from ledger import services as ledger
from pricing import files, wording
from pricing.domain.capping import Rules, lint
from pricing.errors import CapRefused
from pricing.models import PricingPolicy, Tariff
from pricing.services.periods import make_room, refusing_overlaps, require_soon

# Any constant will do, as long as nothing else on this database locks it: "caps" in ASCII.
VERSIONS_LOCK = int.from_bytes(b"caps")


@transaction.atomic
def publish_pricing_policy(
    *, rules: Rules, effective_from: datetime | None, reason: str, by: User, at: datetime
) -> PricingPolicy:
    """Put these numbers into force, from now on where no beginning is given.

    Prices that are published stay; those that could not be published any more are shown as such. Before the
    first price it may begin in the past: owners record what their nodes cost in earlier years, too.
    """
    if not by.is_steward:
        raise NotAllowed(_("Only stewards publish the pricing policy."))
    reason = stewarding.require_reason(reason)
    begins = at if effective_from is None else effective_from
    if begins < at and Tariff.objects.exists():
        raise CapRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    require_soon(begins, at=at, refused=CapRefused)
    _require_sound(rules)
    with connection.cursor() as cursor:  # two who publish at once would take one number
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [VERSIONS_LOCK])
    rows = PricingPolicy.objects.all()
    last = rows.first()
    if last is not None and last.rules == rules and last.effective_until is None:
        raise CapRefused(_("These are the numbers of version %(number)d already.") % {"number": last.version})
    make_room(rows, effective_from=begins, effective_until=None, at=at)
    policy = PricingPolicy(
        version=(rows.aggregate(last=Max("version"))["last"] or 0) + 1,
        effective=between(begins, None),
        private_cap=rules.private_cap,
        public_cap=rules.public_cap,
        utilisation_floor=rules.utilisation_floor,
        window_months=rules.window_months,
        reason=reason,
        published_by=by,
        published_at=at,
    )
    policy.digest = files.digest(files.pricing_policy_body(policy))
    body = {
        "policy": policy.version,
        "effective_from": begins,
        **rules.to_json(),
        "digest": policy.digest,
        "reason": reason,
    }
    with refusing_overlaps(begins, None):
        policy.entry = ledger.append(kind="pricing_policy", body=body, at=at)
        policy.save()
    return policy


def _require_sound(rules: Rules) -> None:
    faults = lint(rules)
    if faults:
        raise CapRefused(
            ngettext(
                "This pricing policy has %(number)d fault and was not published.",
                "This pricing policy has %(number)d faults and was not published.",
                len(faults),
            ) % {"number": len(faults)},
            field=faults[0].field,
            faults={fault.field: wording.unsound(fault) for fault in reversed(faults)},
        )  # fmt: skip
