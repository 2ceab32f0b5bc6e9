"""Asking for a check of a node: by a person, or by the site on days on which the node ran jobs."""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from nodes import selectors
from nodes.domain import conformance
from nodes.errors import CheckRefused
from nodes.models import Agent, Lease, Node, NodeCheck
from nodes.services import standing

logger = logging.getLogger(__name__)


@transaction.atomic
def ask(*, node: Node, purpose: str, by: User | None, at: datetime) -> NodeCheck:
    """Have the node checked in its next free ten minutes."""
    node = standing.locked(node)
    if node.state not in (Node.State.LISTED, Node.State.DRAINED):
        raise CheckRefused(
            _("Only a listed node is checked; %(node)s is “%(state)s”.")
            % {"node": node.name, "state": node.get_state_display()},
            state=node.state,
        )
    if node.runner != Node.Runner.BUBBLEWRAP:
        raise CheckRefused(
            _("A check runs in bubblewrap, and %(node)s runs jobs in %(runner)s.")
            % {"node": node.name, "runner": node.get_runner_display()},
            runner=node.runner,
        )
    agent = Agent.objects.filter(node=node, revoked_at__isnull=True).first()
    if agent is None or not selectors.is_recent(agent.last_seen_at, at):
        raise CheckRefused(
            _("The agent of %(node)s does not answer now. Start it, and ask again.") % {"node": node.name}
        )
    try:
        with transaction.atomic():
            return NodeCheck.objects.create(node=node, agent=agent, purpose=purpose, asked_by=by, asked_at=at)
    except IntegrityError as exc:
        raise CheckRefused(_("%(node)s is being checked already.") % {"node": node.name}) from exc


def begin_spot_checks(*, at: datetime) -> None:
    """On days on which a node ran a job: on each until ten in a row were good, then on one in as many."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    ran = Lease.objects.filter(ended_at__gte=midnight, started_at__isnull=False).exclude(
        reference__startswith="check-"
    )
    idle = Node.objects.filter(state=Node.State.LISTED, pk__in=ran.values("node"))
    for node in idle.exclude(checks__asked_at__gte=midnight).exclude(checks__state__in=NodeCheck.OPEN):
        agent = Agent.objects.filter(node=node, revoked_at__isnull=True).first()
        if agent is None or selectors.reference_of(node, agent.pk) is None:
            continue
        is_drawn = conformance.is_looked_at(selectors.consecutive_of(node, agent.pk), draw_of(node, at))
        if is_drawn or selectors.missed_of(node, agent.pk):
            try:
                ask(node=node, purpose=NodeCheck.Purpose.SPOT, by=None, at=at)
            except CheckRefused as refused:
                logger.info("no spot check of %s: %s", node.slug, refused)


def draw_of(node: Node, at: datetime) -> float:
    """In [0, 1), one for each node and day: nobody without this site's secret knows it before."""
    told = f"spot check {node.uid} {at:%Y-%m-%d}".encode()
    drawn = hmac.new(settings.SECRET_KEY.encode(), told, hashlib.sha256).digest()
    return int.from_bytes(drawn[:8]) / 2**64
