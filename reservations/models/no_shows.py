"""Slots that nobody seemed to use: what is known, what was said of it, and the answer to an appeal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from accounts.models import User
from common.ids import uuid7
from reservations.models.reservations import Reservation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class NoShowQuerySet(models.QuerySet["NoShow"]):
    def of(self, user: User | AnonymousUser) -> NoShowQuerySet:
        """Those of this person: nobody else of the project is told of them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(user.within("reservation__project"), person=user)

    def counted(self) -> NoShowQuerySet:
        """Those that count against somebody: judged so, and no appeal upheld."""
        return self.filter(verdict=True)

    def appealed(self) -> NoShowQuerySet:
        """Those that wait for a steward."""
        return self.filter(appealed_at__isnull=False, answered_at=None)

    def pending(self) -> NoShowQuerySet:
        """Warned of, and not judged yet."""
        return self.filter(judged_at=None)


class NoShow(models.Model):
    """A slot that had neither run nor check-in when somebody looked. There is none for slots in use.

    `verdict`: True, nobody came; False, somebody did, or an appeal was upheld; None, nothing can be said:
    not judged yet, or `reason` says why it cannot be.
    """

    class Reason(models.TextChoices):
        """Why it was judged so. The sentences are in reservations.wording.no_shows."""

        UNUSED = "unused"
        RUN = "run"
        CHECKED_IN = "checked_in"
        UPHELD = "upheld"  # an appeal
        NODE_FAULT = "node_fault"
        NODE_AWAY = "node_away"
        QUEUED = "queued"
        GIVEN_UP = "given_up"  # cancelled, released or moved before it was judged
        SUSPENDED = "suspended"
        NOT_WARNED = "not_warned"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    reservation = models.OneToOneField(Reservation, models.PROTECT, related_name="no_show")
    person = models.ForeignKey(User, models.PROTECT, related_name="no_shows")  # who held it then
    verdict = models.BooleanField(null=True)
    reason = models.CharField(max_length=12, choices=Reason, blank=True)
    evidence = models.JSONField(default=dict)  # the facts as they were when it was judged
    warned_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    appeal = models.TextField(blank=True)
    appealed_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)
    is_upheld = models.BooleanField(null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    objects = NoShowQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["person", "judged_at"], name="no_show_counted", condition=Q(verdict=True)),
            models.Index(
                fields=["appealed_at"], name="no_show_appealed",
                condition=Q(appealed_at__isnull=False, answered_at=None),
            ),
            models.Index(fields=["id"], name="no_show_pending", condition=Q(judged_at=None)),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                condition=Q(judged_at=None, verdict=None, reason="")
                | (Q(judged_at__isnull=False) & ~Q(reason="")),
                name="a_judged_no_show_says_why",
            ),
            # Nobody is blamed before they were warned.
            models.CheckConstraint(
                condition=~Q(verdict=True) | Q(warned_at__isnull=False), name="a_no_show_was_warned_of"
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None, answer="", is_upheld=None)
                | (
                    Q(
                        answered_at__isnull=False, answered_by__isnull=False, appealed_at__isnull=False,
                        is_upheld__isnull=False,
                    )
                    & ~Q(answer="")
                ),
                name="an_answered_appeal_says_by_whom_and_why",
            ),
            models.CheckConstraint(
                condition=~Q(is_upheld=True) | Q(verdict=False), name="an_upheld_appeal_clears_it"
            ),
        ]  # fmt: skip
        triggers: ClassVar = [pgtrigger.Protect(name="no_show_cannot_be_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return str(self.uid)

    def get_absolute_url(self) -> str:
        """Open to whom it counts against, also once they have left the project."""
        return f"/reservations/{self.reservation.uid}/appeal/"

    @property
    def stands_since(self) -> datetime | None:
        """From when on it counts; None where it does not."""
        return self.judged_at if self.verdict else None
