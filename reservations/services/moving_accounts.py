"""A steward puts an account of the share tree below another, with all below it, or gives it other shares.

What its projects used and booked counts in the new place from then on; decisions already taken keep the
snapshot that they were taken on. It is public: the ledger says from where to where, what part of everything
that is, and why.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationMembership, User
from accounts.services import notices
from common.access import NotAllowed
from ledger.domain.kinds import has_e_mail
from ledger.services import append
from reservations.errors import ShareRefused
from reservations.models import AccountMove, Vertex
from reservations.selectors.share_accounts import is_own, promised_to
from reservations.services import shares
from reservations.services.moving import require_count, require_reason

# Of two accounts that are put below each other at once, the second is told of the first.
TREE_LOCK = int.from_bytes(b"tree")


@transaction.atomic
def move_account(
    *, account: Vertex, below: Vertex, count: int, reason: str, by: User, at: datetime
) -> Vertex:
    """Bookings of the projects below it are decided before the change or after it, never across it."""
    if not by.is_steward:
        raise NotAllowed(_("Only stewards move accounts of the share tree."))
    reason = _public_reason(reason)
    require_count(count)
    account, below = _locked(account, below)
    _require_movable(account)
    if is_own(account=account, user=by):
        raise NotAllowed(_("You belong to %(account)s: another steward does this.") % {"account": account})
    _require_place(account, below, count)
    before, shares_before, part_before = account.parent, account.shares, promised_to(account)
    assert before is not None  # only the root has none
    account.parent = below
    account.save(update_fields=["parent"])
    shares.set_shares(vertex=account, shares=count)
    account.refresh_from_db()
    body = {
        "account": account.pk, "name": account.name,
        "from_below": before.pk, "from_below_name": before.name,
        "below": below.pk, "below_name": below.name,
        "shares_before": shares_before, "shares": count,
        "part_before": part_before, "part": promised_to(account), "reason": reason,
    }  # fmt: skip
    AccountMove.objects.create(
        account=account, from_below=before, below=below, shares_before=shares_before, shares=count,
        reason=reason, moved_by=by, moved_at=at, entry=append(kind="account_moved", body=body, at=at),
    )  # fmt: skip
    _tell(account, reason, at)
    return account


def _locked(account: Vertex, below: Vertex) -> tuple[Vertex, Vertex]:
    """Everything that moves, projects first as whoever books locks them, and the account that it goes to.

    Who opens a project or an account below one of these waits, and finds the new path.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TREE_LOCK])
    rows = Vertex.objects.select_for_update(no_key=True, of=("self",))
    inside = Q(path__contains=[account.pk]) & Q(project__isnull=False)
    list(rows.filter(inside).order_by("pk").values_list("pk", flat=True))
    accounts = Q(path__contains=[account.pk]) | Q(pk__in=[account.pk, below.pk])
    found = {one.pk: one for one in rows.filter(accounts & Q(project=None)).order_by("pk")}
    # Of a project there is nothing to lock here: it is refused.
    return found.get(account.pk, account), found.get(below.pk, below)


def _require_movable(account: Vertex) -> None:
    if account.project_id is not None:
        raise ShareRefused(_("%(account)s is a project: its own page moves it.") % {"account": account})
    if account.parent_id is None:
        raise ShareRefused(_("%(account)s is the whole tree: it is below nothing.") % {"account": account})
    if Vertex.objects.filter(path__contains=[account.pk], is_independent=True).exists():
        raise ShareRefused(
            _("All personal projects share %(account)s: it stays where it is.") % {"account": account}
        )


def _require_place(account: Vertex, below: Vertex, count: int) -> None:
    said = {"account": account, "below": below, "count": count}
    if account.pk in below.path:
        refusal = _("%(below)s is %(account)s itself or below it: choose another account.")
    elif below.project_id is not None or below.is_independent:
        refusal = _("%(below)s has no accounts below it: choose the whole tree or another account.")
    elif account.parent_id == below.pk and account.shares == count:
        refusal = _("%(account)s stands below %(below)s with %(count)d shares already.")
    elif Vertex.objects.filter(parent=below, name=account.name).exclude(pk=account.pk).exists():
        refusal = _("%(below)s has “%(account)s” already.")
    else:
        return
    raise ShareRefused(refusal % said, field="account")


def _public_reason(reason: str) -> str:
    reason = require_reason(reason)
    if has_e_mail(reason):
        raise ShareRefused(_("Everybody can read the reason: leave out e-mail addresses."), field="reason")
    return reason


def _tell(account: Vertex, reason: str, at: datetime) -> None:
    """Leads of every organisation that has the account or one inside it, each of its own."""
    inside = Vertex.objects.filter(path__contains=[account.pk], organisation__isnull=False)
    told = Organisation.objects.filter(share_accounts__in=inside).distinct().order_by("pk")
    for organisation in told:
        notices.notify(
            users=User.objects.filter(
                organisation_memberships__organisation=organisation,
                organisation_memberships__role=OrganisationMembership.Role.LEAD,
            ),
            kind="account_given",
            params={
                "organisation": organisation.name, "account": account.name, "outcome": "account_moved",
                "shares": account.shares, "reason": reason,
            },
            url=reverse("organisation_shares", args=[organisation.slug]),
            dedupe=f"account-moved:{account.pk}:{organisation.pk}:{at:%Y%m%dT%H%M%S%f}", at=at,
        )  # fmt: skip
