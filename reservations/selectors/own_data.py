"""What the rooms from nodes to reservations keep of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from accounts.models import Project, User
from accounts.selectors.own_data import Sections
from nodes.models import Lease, OutputFile
from pricing.models import Charge
from reservations.models import Application, Decision, NoShow, Reservation, Run, SlotChange


def own_data(user: User) -> Sections:
    """Applications, decisions, slots with what they cost, and jobs with what they brought back."""
    return {
        "applications": _applications(user),
        "decisions": _decisions(user),
        "reservations": _reservations(user),
        "runs": _runs(user),
        "no_shows": _no_shows(user),
        "changes_of_slots": _changes(user),
    }


def upcoming(user: User, at: datetime) -> QuerySet[Reservation]:
    """Slots this person booked that run now or are still to come."""
    booked = Reservation.objects.filter(booked_by=user, state=Reservation.State.BOOKED)
    return booked.filter(during__endswith__gt=at).select_related("project").order_by("during")


def runs_of(projects: QuerySet[Project]) -> QuerySet[Run]:
    return Run.objects.filter(reservation__project__in=projects.values("pk"))


def _applications(user: User) -> Iterator[dict[str, Any]]:
    columns = (
        "uid", "slug", "name", "summary", "wanted_class", "wanted_shares", "purpose",
        "evidence", "evidence_digest", "state", "submitted_at", "decided_at", "reply", "granted_class",
    )  # fmt: skip
    mine = Application.objects.filter(applicant=user).order_by("pk").annotate(for_project=F("project__slug"))
    yield from mine.values("for_project", *columns).iterator()


def _decisions(user: User) -> Iterator[dict[str, Any]]:
    """Without the snapshot, which is about everybody; it is at the address of the decision."""
    asked = Decision.objects.filter(asked_by=user).order_by("pk").select_related("project")
    for decision in asked.iterator(chunk_size=100):
        yield {
            "uid": decision.uid, "project": decision.project.slug, "decided_at": decision.decided_at,
            "outcome": decision.outcome, "request": decision.request, "rules": decision.rules,
            "quote": decision.quote, "digest": decision.digest, "address": decision.get_absolute_url(),
        }  # fmt: skip


def _reservations(user: User) -> Iterator[dict[str, Any]]:
    booked = Reservation.objects.filter(booked_by=user).order_by("pk").select_related("project", "decision")
    booked = booked.defer("decision__rules").prefetch_related("devices__device__node")
    for reservation in booked.iterator(chunk_size=100):
        charges = Charge.objects.filter(reference=reservation.reference)
        yield {
            "uid": reservation.uid, "project": reservation.project.slug, "during": reservation.during,
            "state": reservation.state, "quoted_price": reservation.quoted_price,
            "created_at": reservation.created_at, "cancelled_at": reservation.cancelled_at,
            "released_at": reservation.released_at, "checked_in_at": reservation.checked_in_at,
            "decision": reservation.decision.uid,
            "devices": [
                {"node": one.device.node.slug, "device": one.device.uid, "price": one.price, "fee": one.fee}
                for one in reservation.devices.all()
            ],
            "charges": list(
                charges.values("uid", "category", "item", "quantity", "unit_price", "amount", "posted_at")
            ),
        }  # fmt: skip


def _runs(user: User) -> Iterator[dict[str, Any]]:
    for run in Run.objects.filter(created_by=user).order_by("pk").select_related("reservation", "node"):
        lease = Lease.objects.filter(uid=run.lease_uid).first() if run.lease_uid else None
        files = OutputFile.objects.filter(lease=lease) if lease else OutputFile.objects.none()
        yield {
            "uid": run.uid, "reservation": run.reservation.uid, "node": run.node.slug, "state": run.state,
            "script": run.script, "environment": run.environment, "bring_back": run.bring_back,
            "runner": run.runner, "image": run.image, "network": run.network,
            "retry": run.retry, "checkpoint": run.checkpoint, "on_disconnect": run.on_disconnect,
            "created_at": run.created_at, "finished_at": run.finished_at,
            "exit_code": lease.exit_code if lease else None,
            "log": f"/runs/{run.uid}/log/",
            "files": [
                {"name": file.name, "size": file.size, "sha256": file.sha256,
                 "address": f"/runs/{run.uid}/files/{file.name}"}
                for file in files
            ],
        }  # fmt: skip


def _no_shows(user: User) -> Iterator[dict[str, Any]]:
    columns = (
        "uid", "verdict", "reason", "evidence", "warned_at", "judged_at", "released_at", "appeal",
        "appealed_at", "answer", "is_upheld", "answered_at",
    )  # fmt: skip
    mine = NoShow.objects.filter(person=user).order_by("pk")
    yield from mine.values(*columns, slot=F("reservation__uid")).iterator()


def _changes(user: User) -> Iterator[dict[str, Any]]:
    """What this person did with slots, and what was handed over by or to them."""
    mine = SlotChange.objects.filter(Q(by=user) | Q(held_before=user) | Q(held_after=user)).order_by("pk")
    for change in mine.select_related("reservation").iterator():
        yield {
            "slot": change.reservation.uid, "kind": change.kind, "at": change.at,
            "by_you": change.by_id == user.pk, "held_before": change.held_before_id == user.pk,
            "held_after": change.held_after_id == user.pk,
        }  # fmt: skip
