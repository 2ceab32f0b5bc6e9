"""What the rooms from nodes to reservations keep of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from accounts.models import Project, User
from accounts.selectors.own_data import Sections
from nodes.models import Lease, OutputFile
from pricing.models import Charge
from reservations.models import Application, Decision, Reservation, Run


def own_data(user: User) -> Sections:
    """Applications, decisions, slots with what they cost, and jobs with what they brought back."""
    return {
        "applications": _applications(user),
        "decisions": _decisions(user),
        "reservations": _reservations(user),
        "runs": _runs(user),
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
            "created_at": run.created_at, "finished_at": run.finished_at,
            "exit_code": lease.exit_code if lease else None,
            "log": f"/runs/{run.uid}/log/",
            "files": [
                {"name": file.name, "size": file.size, "sha256": file.sha256,
                 "address": f"/runs/{run.uid}/files/{file.name}"}
                for file in files
            ],
        }  # fmt: skip
