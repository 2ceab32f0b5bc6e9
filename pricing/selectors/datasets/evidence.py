"""What stands behind published costs, as open data: which files there are, never what is in them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import digest, flag, integer, moment, text, words
from common.open_data.datasets import CC_BY, Dataset, Reference
from pricing.models import Evidence, PoolEvidence, StatementEvidence
from pricing.selectors.datasets.shared import ledger_index, public


def _told() -> QuerySet[Evidence]:
    """What strangers may know of, and only where it stands behind something that they may know of."""
    known = Exists(_of_statements().filter(evidence=OuterRef("pk")))
    known_of_pool = Exists(PoolEvidence.objects.filter(evidence=OuterRef("pk")))
    return Evidence.objects.told_to(AnonymousUser()).filter(known | known_of_pool).order_by("pk")


def _of_statements() -> QuerySet[Any]:
    return StatementEvidence.objects.filter(public("statement__node")).order_by("pk")


EVIDENCE = Dataset(
    name="evidence",
    title=_("Evidence"),
    says=_(
        "Files that stand behind published costs: what each is called, its digest, and who may read it. "
        "The files themselves are not in here."
    ),
    licence=CC_BY,
    columns=(
        text("id", _("The file’s identifier."), "uid", is_unique=True),
        words("owner", _("The organisation that handed it in."), "organisation__name"),
        words("title", _("What its owner calls it.")),
        text(
            "format",
            _("What sort of file it is."),
            "kind",
            one_of=("pdf", "png", "jpg", "webp", "csv", "txt"),
        ),
        integer("size", _("How large it is."), unit="byte", least="0"),
        digest(
            "sha256",
            _("Of the file as it is kept: who gets it from its owner can check that it is this one."),
        ),
        flag("is_stripped", _("Whether what a camera noted of place and time was left out.")),
        text("visibility", _("Who may read the file."), one_of=Evidence.Visibility.values),
        moment("added_at", _("When it was handed in.")),
        moment("redacted_at", _("Where it was taken away for good: when."), is_required=False),
        ledger_index("redaction_entry", "redaction_ledger_index"),
    ),
    rows=_told,
    changed=("added_at", "redacted_at", "of_statements__attached_at", "of_pools__attached_at"),
)

EVIDENCE_OF_STATEMENTS = Dataset(
    name="evidence-of-statements",
    title=_("Evidence of cost statements"),
    says=_("Which file stands behind which part of which cost statement."),
    licence=CC_BY,
    columns=(
        text("statement", _("The cost statement."), "statement__uid"),
        words("part", _("A component, asset or pool of it; empty: all of it."), is_required=False),
        text("evidence", _("The file."), "evidence__uid"),
        moment("attached_at", _("Since when it stands behind it.")),
        ledger_index(),
    ),
    rows=_of_statements,
    changed=("attached_at",),
    key=("statement", "part", "evidence"),
    refers=(Reference("statement", "cost-statements", "id"), Reference("evidence", "evidence", "id")),
)

EVIDENCE_OF_POOLS = Dataset(
    name="evidence-of-pools",
    title=_("Evidence of cost pools"),
    says=_("Which file stands behind which statement of a cost pool."),
    licence=CC_BY,
    columns=(
        text("statement", _("The statement of the pool."), "statement__uid"),
        text("evidence", _("The file."), "evidence__uid"),
        moment("attached_at", _("Since when it stands behind it.")),
        ledger_index(),
    ),
    rows=lambda: PoolEvidence.objects.order_by("pk"),
    changed=("attached_at",),
    key=("statement", "evidence"),
    refers=(Reference("statement", "cost-pools", "id"), Reference("evidence", "evidence", "id")),
)
