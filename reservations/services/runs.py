"""Queueing a job for a slot and asking it to stop. Handing it to a node is dispatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import User
from common.ranges import bounds
from nodes.models import Node
from nodes.services import leases, wake
from reservations.domain import jobs
from reservations.errors import NotAKeeper, NotAMember, RunRefused
from reservations.models import Reservation, Run
from reservations.selectors import confinement, keepers


@transaction.atomic
def queue_run(
    *,
    reservation: Reservation,
    node: Node,
    script: str,
    environment: Mapping[str, str],
    bring_back: Sequence[str],
    by: User,
    at: datetime,
    terms: jobs.Terms | None = None,
) -> Run:
    """Queue one more job for a reservation; it starts when the slot does, after those before it."""
    # The lock gives numbers without gaps and keeps a cancellation from passing by unseen.
    reservation = Reservation.objects.select_for_update(of=("self",)).get(pk=reservation.pk)
    require_keeper(reservation=reservation, by=by)
    _require_open(reservation, at)
    _require_part(reservation, node)
    terms = terms or jobs.Terms()
    _require_fit(script, environment, bring_back, replace(terms, runner=terms.runner or node.runner))
    _require_offered(node, terms)
    number = next_number(reservation)
    if number > jobs.MOST_RUNS:
        raise RunRefused(
            _("This reservation has had %(number)d runs, the most there may be.")
            % {"number": jobs.MOST_RUNS},
            limit=jobs.MOST_RUNS,
        )
    return Run.objects.create(
        reservation=reservation, node=node, number=number, script=script.replace("\r\n", "\n"),
        environment=dict(environment), bring_back=list(bring_back), created_by=by, created_at=at,
        **terms.columns(),
    )  # fmt: skip


def next_number(reservation: Reservation) -> int:
    """Of the next run. The reservation is locked by the caller, or two would get the same one."""
    return (reservation.runs.aggregate(last=Max("number"))["last"] or 0) + 1


def queue_again(*, run: Run, at: datetime) -> Run | None:
    """Queue a run whose node failed once more in its slot, if its terms say so; or why not: None.

    The reservation is locked by the caller. Whoever finds out twice queues it once: the database keeps
    one retry to a run.
    """
    number = next_number(run.reservation)
    if number > jobs.MOST_RUNS:
        return None
    return Run.objects.create(
        reservation=run.reservation, node_id=run.node_id, number=number, script=run.script,
        environment=run.environment, bring_back=run.bring_back, created_by_id=run.created_by_id,
        created_at=at, retry_of=run, **run.terms.columns(),
    )  # fmt: skip


@transaction.atomic
def stop_run(*, run: Run, by: User, at: datetime) -> None:
    """Take a queued run back, or ask the node to stop it, which may be asked again while it runs.

    RunRefused once it is over: taken back, ended or lost.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("reservation").get(pk=run.pk)
    require_keeper(reservation=run.reservation, by=by)
    if run.state == Run.State.QUEUED:
        Run.objects.filter(pk=run.pk).update(state=Run.State.NOT_RUN, finished_at=at)
        wake.announce(run.reference, {"type": "state", "state": Run.State.NOT_RUN})
    elif run.state in (Run.State.LEASED, Run.State.RUNNING):
        leases.request_stop(reference=run.reference, at=at)
    else:
        raise RunRefused(_("This run is over: there is nothing to stop."), state=run.state)


def stop_all(*, reservation: Reservation, at: datetime) -> None:
    """Ask the nodes to stop what they were handed for a slot that is given back.

    The reservation is locked by the caller, so no dispatcher hands over another run meanwhile. Leases
    come last in the order of locks; those who wait for a node are told once this is committed.
    """
    in_hand = reservation.runs.filter(state__in=(Run.State.LEASED, Run.State.RUNNING)).order_by("pk")
    for run in in_hand:
        leases.request_stop(reference=run.reference, at=at)


def require_keeper(*, reservation: Reservation, by: User) -> None:
    """Other members see the slot, its log and files, and change nothing."""
    role = reservation.project.memberships.filter(user=by).values_list("role", flat=True).first()
    if role is None:
        raise NotAMember(_("Only members of the project can change its slots."))
    if not keepers.is_keeper(reservation=reservation, role=role, user=by):
        raise NotAKeeper(keepers.who_keeps(reservation))


def _require_open(reservation: Reservation, at: datetime) -> None:
    _start, end = bounds(reservation.during)
    if reservation.state == Reservation.State.CANCELLED:
        raise RunRefused(_("This reservation was cancelled: nothing more runs in it."))
    if reservation.state != Reservation.State.BOOKED or at >= end:
        raise RunRefused(_("This slot is over: book another one to run this."))
    if reservation.project.suspended_at is not None:
        raise RunRefused(
            _("A steward has suspended this project: no job starts for it. Its page tells the reason.")
        )


def _require_part(reservation: Reservation, node: Node) -> None:
    if not reservation.devices.filter(device__node=node).exists():
        raise RunRefused(_("%(node)s is not part of this reservation.") % {"node": node.name}, field="node")


def _require_fit(
    script: str, environment: Mapping[str, str], bring_back: Sequence[str], terms: jobs.Terms
) -> None:
    found = jobs.first_fault(script=script, environment=environment, bring_back=bring_back, terms=terms)
    if found is not None:
        raise RunRefused(_sentence(found), field=found.field, fault=found.fault, about=found.about)


def _require_offered(node: Node, terms: jobs.Terms) -> None:
    """RunRefused where the node's agent told that this would be refused there."""
    offered = confinement.of_node(node)
    about = {"node": node.name}
    if terms.runner and terms.runner not in offered.runners:
        about |= {"runner": confinement.label(terms.runner), "runners": confinement.labels(offered.runners)}
        raise RunRefused(
            _("%(node)s does not run jobs under %(runner)s. It has: %(runners)s.") % about,
            field="runner", runners=list(offered.runners),
        )  # fmt: skip
    if terms.network not in offered.networks:
        about["networks"] = ", ".join(confinement.network_label(one) for one in offered.networks)
        raise RunRefused(
            _("The owner of %(node)s does not allow this network to jobs. Allowed: %(networks)s.") % about,
            field="network", networks=list(offered.networks),
        )  # fmt: skip
    if terms.image and not offered.allows_image(terms.image):
        about["images"] = ", ".join(offered.images or ())
        raise RunRefused(
            _("The owner of %(node)s does not allow this image. Allowed: %(images)s.") % about,
            field="image", images=list(offered.images or ()),
        )  # fmt: skip


def _sentence(found: jobs.Finding) -> str:
    sentences = {
        jobs.Fault.SCRIPT_EMPTY: _("Write what to run."),
        jobs.Fault.SCRIPT_HAS_NUL: _("The script has a NUL character, which no shell can read."),
        jobs.Fault.SCRIPT_TOO_LONG: _("The script may have %(limit)d KiB at most."),
        jobs.Fault.TOO_MANY_VARIABLES: _("There may be %(limit)d variables at most."),
        jobs.Fault.VARIABLE_NAME: _(
            "“%(about)s” cannot name a variable: use letters, digits and _, and begin with no digit."
        ),
        jobs.Fault.VARIABLE_VALUE: _("The value of “%(about)s” must be text without a NUL character."),
        jobs.Fault.ENVIRONMENT_TOO_LONG: _("The variables may have %(limit)d KiB at most, together."),
        jobs.Fault.TOO_MANY_PATTERNS: _("There may be %(limit)d patterns of files at most."),
        jobs.Fault.PATTERN: _(
            "“%(about)s” does not name files in the job’s own folder: use a relative path without “..”."
        ),
        jobs.Fault.CHECKPOINT_MISSING: _(
            "Say which files are the checkpoint: without them the job cannot go on from it."
        ),
        jobs.Fault.CHECKPOINT_UNUSED: _(
            "Files of a checkpoint are used only by a job that goes on from it after a failure."
        ),
        jobs.Fault.IMAGE_MISSING: _("Name the image that the job runs in."),
        jobs.Fault.IMAGE_UNUSED: _("Only a job under Podman or Docker has an image: choose one of them."),
        jobs.Fault.IMAGE: _(
            "“%(about)s” is not an image by its digest: write registry/name@sha256:digest, without a tag."
        ),
        jobs.Fault.NETWORK: _("There is no network “%(about)s”: choose none, internet or list."),
    }
    limits = {
        jobs.Fault.SCRIPT_TOO_LONG: jobs.LARGEST_SCRIPT // 1024,
        jobs.Fault.TOO_MANY_VARIABLES: jobs.MOST_VARIABLES,
        jobs.Fault.ENVIRONMENT_TOO_LONG: jobs.LARGEST_ENVIRONMENT // 1024,
        jobs.Fault.TOO_MANY_PATTERNS: jobs.MOST_PATTERNS,
    }
    return sentences[found.fault] % {"about": found.about[:80], "limit": limits.get(found.fault, 0)}
