"""Files that stand behind published costs: who may read them, and where they are attached."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, OrganisationMembership, User
from common.ids import uuid7
from ledger.models import Entry
from nodes.models import Node
from pricing.models.charges import Charge
from pricing.models.pools import PoolStatement
from pricing.models.published import CostStatement

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


def evidence_storage() -> Storage:
    """Named in settings, so that an operator can keep the files elsewhere: docs/evidence.md."""
    return storages["evidence"]


def funded_nodes(user: User) -> models.QuerySet[Node]:
    """Nodes that a verified funder whom this person leads has paid for.

    It paid a charge on the node through a grant, or the node's owner names it, by its name or address
    here, among the public grants of a purchase or a running cost.
    """
    funders = list(
        Organisation.objects.led_by(user)
        .verified()
        .filter(kind=Organisation.Kind.FUNDER)
        .values_list("pk", "slug", "name")
    )
    if not funders:
        return Node.objects.none()
    names = [name for _pk, *both in funders for name in both]
    named: Q = reduce(or_, (_names(name) for name in names))
    charged = Charge.objects.filter(node=OuterRef("pk"), grant__funder__in=[pk for pk, *_names in funders])
    bought = CostStatement.objects.filter(named, node=OuterRef("pk"))
    return Node.objects.filter(Exists(charged) | Exists(bought))


def _names(funder: str) -> Q:
    """A statement that says it of an asset, of a running cost, or as statements said it at first."""
    granted = {"source": funder, "kind": "public_grant"}
    return (
        Q(declared__contains={"assets": [{"funding": [granted]}]})
        | Q(declared__contains={"support": [{"source": funder}]})
        | Q(declared__contains={"public_grants": [{"source": funder}]})
    )


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def of(self, user: User | AnonymousUser) -> EvidenceQuerySet:
        """Those whose file this person may read: every download starts from here."""
        public = Q(visibility=Evidence.Visibility.PUBLIC) & _attached()
        if not user.is_authenticated or user.only_project_id is not None:
            return self.filter(public)
        if user.is_steward:
            return self.all()
        nodes = funded_nodes(user).values("pk")
        funded = Exists(StatementEvidence.objects.filter(evidence=OuterRef("pk"), statement__node__in=nodes))
        shared = Exists(
            PoolEvidence.objects.filter(evidence=OuterRef("pk"), statement__shares__node__in=nodes)
        )
        return self.filter(
            public | Q(_is_of(user)) | (Q(visibility=Evidence.Visibility.FUNDERS) & (funded | shared))
        )

    def told_to(self, user: User | AnonymousUser) -> EvidenceQuerySet:
        """Those that this person may know of: what is published names all of its evidence."""
        if not user.is_authenticated or user.only_project_id is not None:
            return self.filter(_attached())
        return self.all() if user.is_steward else self.filter(_attached() | Q(_is_of(user)))


def _is_of(user: User) -> Exists:
    return Exists(OrganisationMembership.objects.filter(organisation=OuterRef("organisation"), user=user))


def _attached() -> Q:
    """To something that is published; what only drafts have is nobody else's business."""
    to_statement = Exists(StatementEvidence.objects.filter(evidence=OuterRef("pk")))
    return Q(to_statement | Exists(PoolEvidence.objects.filter(evidence=OuterRef("pk"))))


class Evidence(models.Model):
    """A file of an owner's, checked when it came and kept by its digest.

    What was said of it stays: who may read it only widens, and redacting it, for good, takes the file
    away but neither its digest nor the reason.
    """

    class Visibility(models.TextChoices):
        """Narrowest first."""

        STEWARD = "steward", _("Stewards")
        FUNDERS = "funders", _("Stewards and funders of the node")
        PUBLIC = "public", _("Everybody")

    class Role(models.TextChoices):
        OWNER = "owner", _("Its owner")
        STEWARD = "steward", _("A steward")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="evidence_files")
    title = models.CharField(max_length=120)  # in its owner's words
    kind = models.CharField(max_length=5)  # common.evidence: pdf, png, jpg, webp, csv, txt
    sha256 = models.CharField(max_length=64)  # of the file as it is kept
    size = models.PositiveIntegerField()  # bytes
    # Where and with what a picture was taken did not come in with it.
    is_stripped = models.BooleanField(default=False)
    content = models.FileField(storage=evidence_storage, max_length=200, blank=True)
    visibility = models.CharField(max_length=7, choices=Visibility, default=Visibility.STEWARD)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    redacted_at = models.DateTimeField(null=True)
    redacted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    redacted_as = models.CharField(max_length=7, choices=Role, blank=True)
    redaction_reason = models.CharField(max_length=500, blank=True)
    redaction_entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="+")

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "sha256"], name="an_owner_has_a_file_once"),
            models.CheckConstraint(
                condition=Q(redacted_at=None, redacted_by=None, redaction_reason="") & ~Q(content="")
                | Q(redacted_at__isnull=False, redacted_by__isnull=False, content="")
                & ~Q(redaction_reason=""),
                name="redacted_evidence_has_a_reason_and_no_file",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="evidence_keeps_what_it_says",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                declare=[("widening", "text[] = ARRAY['steward', 'funders', 'public']")],
                # Compared as whole rows, so that a column added later is protected too.
                func="""
                    IF OLD.redacted_at IS NOT NULL THEN
                        RAISE EXCEPTION 'redacted evidence cannot be changed';
                    END IF;
                    IF array_position(widening, NEW.visibility::text)
                       < array_position(widening, OLD.visibility::text) THEN
                        RAISE EXCEPTION 'evidence is redacted, not hidden again';
                    END IF;
                    IF (to_jsonb(OLD) - ARRAY['visibility', 'content', 'redacted_at', 'redacted_by_id',
                            'redacted_as', 'redaction_reason', 'redaction_entry_id'])
                       <> (to_jsonb(NEW) - ARRAY['visibility', 'content', 'redacted_at', 'redacted_by_id',
                            'redacted_as', 'redaction_reason', 'redaction_entry_id'])
                       OR (NEW.redacted_at IS NULL AND OLD.content <> NEW.content)
                    THEN
                        RAISE EXCEPTION 'evidence cannot be changed';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/evidence/{self.uid}/"


def _only_added(name: str) -> list[pgtrigger.Trigger]:
    return [pgtrigger.Protect(name=f"{name}_stays", operation=pgtrigger.Update | pgtrigger.Delete)]


class Attached(models.Model):
    """That a file stands behind something published: the list grows and never loses a line."""

    attached_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    attached_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class StatementEvidence(Attached):
    """Evidence of a published cost statement."""

    statement = models.ForeignKey(CostStatement, models.PROTECT, related_name="evidence")
    # A component's kind (pricing.domain.cost.Kind), an asset or a pool of the statement; empty: all of it.
    part = models.CharField(max_length=60, blank=True)
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="of_statements")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["statement", "part", "evidence"], name="evidence_is_attached_to_a_part_once"
            )
        ]
        triggers: ClassVar = _only_added("statement_evidence")


class PoolEvidence(Attached):
    """Evidence of what a pool costs and how it is split."""

    statement = models.ForeignKey(PoolStatement, models.PROTECT, related_name="evidence")
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="of_pools")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "evidence"], name="evidence_is_of_a_pool_once")
        ]
        triggers: ClassVar = _only_added("pool_evidence")


class PoolDraft(models.Model):
    """What somebody has typed for a pool and not published. Nothing of it is checked or shown to others.

    `version` grows with every change, so that two leads who edit do not overwrite each other unseen.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="pool_drafts")
    # What it will follow; None: a new pool.
    corrects = models.ForeignKey(PoolStatement, models.PROTECT, null=True, related_name="drafts")
    typed: models.JSONField[Any, Any] = models.JSONField(default=dict)
    evidence = models.ManyToManyField(Evidence, related_name="pool_drafts")
    version = models.PositiveIntegerField(default=1)
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-saved_at"]

    def get_absolute_url(self) -> str:
        return f"/organisations/{self.organisation.slug}/pools/drafts/{self.uid}/"
