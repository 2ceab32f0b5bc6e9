"""A steward entrusts an organisation with an account of the share tree: its leads open projects inside.

An account is made for it or an existing one is given, its shares among its siblings are changed, and it is
taken back. Projects below stay where they are, with what they used and booked. The reason is kept, the
organisation's leads are told. Locked in this order: the organisation, the account above, the account.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationMembership, StewardAct, User
from accounts.services import notices, stewarding
from common.access import NotAllowed
from common.lines import is_one_line
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.services import shares
from reservations.services.moving import require_count, require_reason

LONGEST_NAME = 150
_SHOWN = 80  # of a name, beside the reason


def give_account(
    *,
    organisation: Organisation,
    account: Vertex | None,
    parent: Vertex | None,
    name: str,
    count: int | None,
    reason: str,
    by: User,
    at: datetime,
) -> Vertex:
    """An account that is there, or else a new one of that name below `parent`."""
    if account is None:
        return open_account(
            organisation=organisation, parent=parent, name=name, count=count, reason=reason, by=by, at=at
        )
    if name.strip():
        raise ShareRefused(
            _("Choose an account that there is, or name a new one: not both."), field="account"
        )
    return entrust(organisation=organisation, account=account, count=count, reason=reason, by=by, at=at)


@transaction.atomic
def open_account(
    *,
    organisation: Organisation,
    parent: Vertex | None,
    name: str,
    count: int | None,
    reason: str,
    by: User,
    at: datetime,
) -> Vertex:
    """A new account, below the root or another account."""
    organisation, reason = _admitted(organisation, reason, by)
    name = name.strip()
    if not name:
        raise ShareRefused(_("Choose an account that there is, or name a new one."), field="name")
    if len(name) > LONGEST_NAME or not is_one_line(name):
        raise ShareRefused(
            _("A name stands on one line; it has %(limit)d characters at most, and this one %(actual)d.")
            % {"limit": LONGEST_NAME, "actual": len(name)},
            field="name", limit=LONGEST_NAME, actual=len(name),
        )  # fmt: skip
    if parent is None:
        raise ShareRefused(_("Choose the account that the new one stands below."), field="parent")
    if count is None:
        raise ShareRefused(_("Say how many shares the new account has among its siblings."), field="shares")
    require_count(count)
    parent = _lock(parent)  # of two who bring the same name at once, the second is told of the first
    if parent.project_id is not None or parent.is_independent:
        raise ShareRefused(
            _("%(parent)s has no accounts below it: choose the whole tree or another account.")
            % {"parent": parent},
            field="parent",
        )
    account = shares.create_account(parent=parent, name=name, shares=count)
    account.organisation = organisation
    account.save(update_fields=["organisation"])
    _keep(StewardAct.Act.ACCOUNT_GIVEN, organisation, account, f"– → {_place(account)}", reason, by, at)
    return account


@transaction.atomic
def entrust(
    *, organisation: Organisation, account: Vertex, count: int | None, reason: str, by: User, at: datetime
) -> Vertex:
    """An account that no organisation has; its shares stay as they are where `count` is None."""
    organisation, reason = _admitted(organisation, reason, by)
    if count is not None:
        require_count(count)
    account = _lock(account)
    _require_free(account, organisation)
    before = _place(account)
    account.organisation = organisation
    account.save(update_fields=["organisation"])
    if count is not None:
        shares.set_shares(vertex=account, shares=count)
        account.refresh_from_db()
    change = f"{before} → {_place(account)}"
    _keep(StewardAct.Act.ACCOUNT_GIVEN, organisation, account, change, reason, by, at)
    return account


@transaction.atomic
def change_shares(
    *, organisation: Organisation, account: Vertex, count: int, reason: str, by: User, at: datetime
) -> Vertex:
    """What an account of the organisation has among its siblings."""
    organisation, reason = _admitted(organisation, reason, by)
    require_count(count)
    account = _locked_own(account, organisation)
    if account.shares == count:
        raise ShareRefused(
            _("%(account)s has these shares already: %(count)d.") % {"account": account, "count": count},
            field="shares", actual=count,
        )  # fmt: skip
    before = _place(account)
    shares.set_shares(vertex=account, shares=count)
    account.refresh_from_db()
    change = f"{before} → {_place(account)}"
    _keep(StewardAct.Act.ACCOUNT_CHANGED, organisation, account, change, reason, by, at)
    return account


@transaction.atomic
def take_back(*, organisation: Organisation, account: Vertex, reason: str, by: User, at: datetime) -> Vertex:
    """The account is no organisation's then; it keeps its shares, and the projects below it stay."""
    organisation, reason = _admitted(organisation, reason, by)
    account = _locked_own(account, organisation)
    account.organisation = None
    account.save(update_fields=["organisation"])
    _keep(StewardAct.Act.ACCOUNT_TAKEN, organisation, account, f"{_place(account)} → –", reason, by, at)
    return account


def _admitted(organisation: Organisation, reason: str, by: User) -> tuple[Organisation, str]:
    """Locked, as whoever joins it locks it, too."""
    if not by.is_steward:
        raise NotAllowed(_("Only stewards give organisations accounts of the share tree."))
    reason = require_reason(reason)
    organisation = Organisation.objects.select_for_update(no_key=True, of=("self",)).get(pk=organisation.pk)
    stewarding.require_outside(organisation=organisation, by=by)
    if organisation.verified_at is None:
        raise ShareRefused(
            _("%(name)s is not verified yet: answer its registration first.") % {"name": organisation}
        )
    return organisation, reason


def _lock(vertex: Vertex) -> Vertex:
    return Vertex.objects.select_for_update(no_key=True, of=("self",)).get(pk=vertex.pk)


def _locked_own(account: Vertex, organisation: Organisation) -> Vertex:
    account = _lock(account)
    if account.organisation_id != organisation.pk:
        raise ShareRefused(
            _("%(account)s is no account of %(organisation)s: choose one of those on its page.")
            % {"account": account, "organisation": organisation},
            field="account",
        )
    return account


def _require_free(account: Vertex, organisation: Organisation) -> None:
    said = {"account": account, "organisation": organisation}
    if account.project_id is not None:
        refusal = _("%(account)s is a project: choose an account, or move the project below one.")
    elif account.parent_id is None:
        refusal = _("%(account)s is the whole tree: choose an account below it, or name a new one.")
    elif Vertex.objects.filter(path__contains=[account.pk], is_independent=True).exists():
        refusal = _("All personal projects share %(account)s: choose another account, or name a new one.")
    elif account.organisation_id == organisation.pk:
        refusal = _("%(account)s is an account of %(organisation)s already: its shares can be changed.")
    elif account.organisation_id is not None:
        said["organisation"] = account.organisation or organisation
        refusal = _(
            "%(account)s is an account of %(organisation)s: it has to be taken back from there first."
        )
    else:
        return
    raise ShareRefused(refusal % said, field="account")


def _place(account: Vertex) -> str:
    """`Universities (3)`, in every language."""
    return f"{account.name[:_SHOWN]} ({'–' if account.shares is None else account.shares})"


def _keep(
    act: StewardAct.Act,
    organisation: Organisation,
    account: Vertex,
    change: str,
    reason: str,
    by: User,
    at: datetime,
) -> None:
    kept = stewarding.write_down(
        act=act, organisation=organisation, reason=f"{change}. {reason}", by=by, at=at
    )
    notices.notify(
        users=User.objects.filter(
            organisation_memberships__organisation=organisation,
            organisation_memberships__role=OrganisationMembership.Role.LEAD,
        ),
        kind="account_given",
        params={
            "organisation": organisation.name, "account": account.name, "outcome": act.value,
            "shares": account.shares, "reason": reason,
        },
        url=reverse("organisation_shares", args=[organisation.slug]), dedupe=f"act:{kept.uid}", at=at,
    )  # fmt: skip
