"""Where a node stands: listed, taking no new bookings, withdrawn; each change with who did it and why.

What is booked on it is the business of the app above: see reservations.services.taking_back.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from nodes.errors import StandingRefused
from nodes.models import Node, NodeChange

State, Kind = Node.State, NodeChange.Kind
LONGEST_REASON = 300


@transaction.atomic
def drain(*, node: Node, reason: str, by: User | None, at: datetime, kind: str = Kind.DRAINED) -> Node:
    """Take no new bookings. What is booked stays and runs."""
    node = locked(node)
    if node.state not in Node.ON_SITE or node.drained_at is not None:
        raise StandingRefused(
            _("%(node)s takes no bookings now: its state is “%(state)s”.") % _said(node), state=node.state
        )
    node.drained_at = at
    return _put(node, State.DRAINED, kind, reason, by, at)


@transaction.atomic
def resume(*, node: Node, by: User | None, at: datetime, reason: str = "") -> Node:
    """Take bookings again."""
    node = locked(node)
    if node.state != State.DRAINED or node.drained_at is None:
        raise StandingRefused(
            _("Only a node that takes no new bookings can take them again; %(node)s is “%(state)s”.")
            % _said(node),
            state=node.state,
        )
    if node.differs_since is not None:
        raise StandingRefused(
            _(
                "The agent of %(node)s finds something else than what is listed. Settle that first, on the"
                " page about its conformance."
            )
            % _said(node),
            state=node.state,
        )
    node.drained_at = None
    return _put(node, State.LISTED, Kind.RESUMED, reason, by, at)


@transaction.atomic
def withdraw(*, node: Node, reason: str, by: User | None, at: datetime) -> Node:
    """For good: a node that comes back is listed anew, under another address."""
    node = locked(node)
    if node.state not in Node.ON_SITE:
        raise StandingRefused(
            _("Only a listed node can be withdrawn; %(node)s is “%(state)s”.") % _said(node), state=node.state
        )
    return _put(node, State.WITHDRAWN, Kind.WITHDRAWN, reason, by, at)


def locked(node: Node) -> Node:
    """Not its key: who books refers to it meanwhile."""
    rows = Node.objects.select_related("owner", "site")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=node.pk)


def write_down(*, node: Node, kind: str, by: User | None, at: datetime, reason: str = "") -> None:
    NodeChange.objects.create(node=node, kind=kind, reason=reason, by=by, at=at)


def _put(node: Node, state: str, kind: str, reason: str, by: User | None, at: datetime) -> Node:
    node.state = state
    node.save(update_fields=["state", "drained_at"])
    write_down(node=node, kind=kind, by=by, at=at, reason=reason)
    return node


def _said(node: Node) -> dict[str, str]:
    return {"node": node.name, "state": str(node.get_state_display())}
