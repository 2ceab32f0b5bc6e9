"""Evidence: kept, attached to what is published, shown to more people, redacted, discarded."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import Model, ProtectedError
from django.utils.translation import gettext as _, ngettext

from accounts.models import Organisation, User
from accounts.services import members
from common import formats
from common.access import NotAllowed
from common.evidence import store, wording
from common.evidence.faults import Unfit
from common.evidence.kinds import CSV, JPEG, PDF, PNG, WEBP, Checked, check
from common.lines import is_one_line
from ledger import services as ledger
from ledger.domain.kinds import has_e_mail
from ledger.models import Entry
from nodes.models import Node
from pricing.errors import EvidenceAttached, EvidenceRedacted, EvidenceRefused
from pricing.models import (
    CostStatement,
    Evidence,
    PoolEvidence,
    PoolStatement,
    StatementEvidence,
)

TAKEN = (PDF, PNG, JPEG, WEBP, CSV)
MOST_FILES = 1000  # of one organisation
LONGEST_TITLE = 120
LONGEST_REASON = 500
_WIDENING = list(Evidence.Visibility.values)


@transaction.atomic
def add_evidence(
    *, organisation: Organisation, title: str, file: File[Any], visibility: str, by: User, at: datetime
) -> Evidence:
    """Look the file through and keep it. The same file again is the one that is there, as it is there."""
    title = _require_title(title)
    if visibility not in _WIDENING:
        raise EvidenceRefused(_("Say who may read it."), field="visibility")
    _require_verified_lead(organisation, by=by)  # before a file is looked through, which takes a while
    checked = _looked_through(file)
    organisation = members.lock(organisation)  # two who hand in the same file at once: the second finds it
    _require_verified_lead(organisation, by=by)
    known = organisation.evidence_files.filter(sha256=store.digest(checked.content)).first()
    if known is not None:
        _require_not_redacted(known, field="file")
        _kept(checked, organisation)  # there already, unless its file was lost
        return known
    _require_room(organisation)
    kept = _kept(checked, organisation)
    return Evidence.objects.create(
        organisation=organisation, title=title, kind=kept.kind.extension, sha256=kept.sha256, size=kept.size,
        is_stripped=kept.is_stripped, content=kept.path, visibility=visibility, added_by=by, added_at=at,
    )  # fmt: skip


@transaction.atomic
def attach_to_statement(
    *, statement: CostStatement, part: str, evidence: Evidence, by: User, at: datetime
) -> StatementEvidence:
    """Put a file behind a published statement or a part of it, for good. Twice is once.

    `part` is a component's kind, `assets.0` or `pools.0` as the statement counts them, or empty for all.
    """
    node = Node.objects.select_related("owner").get(pk=statement.node_id)
    evidence = _attachable(evidence, owner=node.owner, by=by)
    if part not in parts_of(statement):
        raise EvidenceRefused(
            _("The statement has no part “%(part)s”.") % {"part": part[:60]}, field="part", part=part[:60]
        )
    found = StatementEvidence.objects.filter(statement=statement, part=part, evidence=evidence).first()
    if found is not None:
        return found
    return StatementEvidence.objects.create(
        statement=statement, part=part, evidence=evidence, attached_by=by, attached_at=at,
        entry=_entered(evidence, statement, "statement", part or None, at),
    )  # fmt: skip


@transaction.atomic
def attach_to_pool(*, statement: PoolStatement, evidence: Evidence, by: User, at: datetime) -> PoolEvidence:
    """Put a file behind what a pool costs and how it is split, for good. Twice is once."""
    owner = Organisation.objects.get(pools__statements=statement)
    evidence = _attachable(evidence, owner=owner, by=by)
    found = PoolEvidence.objects.filter(statement=statement, evidence=evidence).first()
    if found is not None:
        return found
    return PoolEvidence.objects.create(
        statement=statement, evidence=evidence, attached_by=by, attached_at=at,
        entry=_entered(evidence, statement, "pool", None, at),
    )  # fmt: skip


def parts_of(statement: CostStatement) -> list[str]:
    """What of a statement evidence can be attached to: all of it first."""
    declared = statement.declared
    listed = [
        f"{name}.{number}" for name in ("assets", "pools") for number in range(len(declared.get(name, ())))
    ]
    return ["", *statement.components.values_list("kind", flat=True), *listed]


@transaction.atomic
def widen(*, evidence: Evidence, visibility: str, by: User) -> Evidence:
    """Show a file to more people. Nobody who could read it loses that but by redacting it."""
    evidence = _locked(evidence)
    members.require_lead(of=evidence.organisation, by=by)
    _require_not_redacted(evidence)
    if visibility not in _WIDENING or _WIDENING.index(visibility) < _WIDENING.index(evidence.visibility):
        raise EvidenceRefused(
            _("Who may read a file only becomes more. What should not be read at all is redacted."),
            field="visibility",
        )
    if visibility != evidence.visibility:
        evidence.visibility = visibility
        evidence.save(update_fields=["visibility"])
    return evidence


@transaction.atomic
def redact(*, evidence: Evidence, reason: str, by: User, at: datetime) -> Evidence:
    """Take the file away for good. Its digest stays, and who took it away and why."""
    evidence = _locked(evidence)
    role = _redacts_as(evidence, by)
    _require_not_redacted(evidence)
    reason = reason.strip()
    if not reason:
        raise EvidenceRefused(_("Say why: the reason is public."), field="reason")
    if len(reason) > LONGEST_REASON or not is_one_line(reason):
        raise EvidenceRefused(
            _("Write the reason on one line, with %(most)s characters at most.") % {"most": LONGEST_REASON},
            field="reason",
        )
    if has_e_mail(reason):
        raise EvidenceRefused(_("Everybody can read the reason: leave out e-mail addresses."), field="reason")
    path = evidence.content.name or ""
    evidence.content = ""
    evidence.redacted_at, evidence.redacted_by, evidence.redacted_as = at, by, role
    evidence.redaction_reason = reason
    if is_attached(evidence):  # what was never published is nobody else's news
        body = {
            "evidence": evidence.uid, "digest": evidence.sha256, "by": str(role),
            "reason_digest": store.digest(reason.encode()),
        }  # fmt: skip
        evidence.redaction_entry = ledger.append(kind="evidence_redaction", body=body, at=at)
    evidence.save()
    transaction.on_commit(partial(_delete_file, evidence.organisation, path))
    return evidence


@transaction.atomic
def discard(*, evidence: Evidence, by: User) -> None:
    """Throw a file away that stands behind nothing, neither published nor drafted."""
    evidence = _locked(evidence)
    members.require_lead(of=evidence.organisation, by=by)
    _require_not_redacted(evidence)
    if is_attached(evidence):
        raise EvidenceAttached(
            _("It stands behind something that is published and stays there; it can be redacted.")
        )
    if evidence.pool_drafts.exists():
        raise _in_a_draft()
    path = evidence.content.name or ""
    try:
        evidence.delete()
    except ProtectedError as exc:
        raise _in_a_draft() from exc
    transaction.on_commit(partial(_delete_file, evidence.organisation, path))


def is_attached(evidence: Evidence) -> bool:
    return evidence.of_statements.exists() or evidence.of_pools.exists()


def _require_verified_lead(organisation: Organisation, *, by: User) -> None:
    members.require_lead(of=organisation, by=by)
    if organisation.verified_at is None:
        raise EvidenceRefused(
            _("%(name)s is not verified yet: a steward looks at it first.") % {"name": organisation}
        )


def _looked_through(file: File[Any]) -> Checked:
    try:
        content, claimed = store.read(file)
        return check(content, claimed=claimed, allowed=TAKEN)
    except Unfit as fault:
        raise EvidenceRefused(wording.sentence(fault), field="file", fault=fault.code) from fault


def _kept(checked: Checked, organisation: Organisation) -> store.Kept:
    return store.keep(checked, folder=f"costs/{organisation.uid}")


@transaction.atomic
def _delete_file(organisation: Organisation, path: str) -> None:
    """Unless somebody has handed the same file in since its row went: who does that holds the lock."""
    members.lock(organisation)
    if not Evidence.objects.filter(content=path).exists():
        store.storage().delete(path)


def _require_title(title: str) -> str:
    title = title.strip()
    if not title:
        raise EvidenceRefused(_("Say what it is: readers see that beside its digest."), field="title")
    if len(title) > LONGEST_TITLE or not is_one_line(title):
        raise EvidenceRefused(
            _("Write it on one line, with %(most)s characters at most.") % {"most": LONGEST_TITLE},
            field="title",
        )
    return title


def _require_room(organisation: Organisation) -> None:
    if organisation.evidence_files.count() >= MOST_FILES:
        raise EvidenceRefused(
            ngettext(
                "%(name)s has %(most)d file, the most there may be. Discard one that nothing needs.",
                "%(name)s has %(most)d files, the most there may be. Discard one that nothing needs.",
                MOST_FILES,
            )
            % {"name": organisation, "most": MOST_FILES},
            limit=MOST_FILES,
        )


def _attachable(evidence: Evidence, *, owner: Organisation, by: User) -> Evidence:
    """Locked, so that nobody redacts it in the same moment."""
    evidence = _locked(evidence)
    members.require_lead(of=owner, by=by)
    if evidence.organisation_id != owner.pk:
        raise EvidenceRefused(
            _("This file belongs to another organisation than %(name)s.") % {"name": owner}, field="evidence"
        )
    _require_not_redacted(evidence, field="evidence")
    return evidence


def _entered(evidence: Evidence, to: Model, of: str, part: str | None, at: datetime) -> Entry:
    statement: Any = to
    body = {
        "evidence": evidence.uid, "organisation": evidence.organisation.uid, "digest": evidence.sha256,
        "size": evidence.size, "format": evidence.kind, "visibility": str(evidence.visibility), "of": of,
        "statement": statement.uid, "part": part,
    }  # fmt: skip
    return ledger.append(kind="evidence", body=body, at=at)


def _locked(evidence: Evidence) -> Evidence:
    rows = Evidence.objects.select_for_update(of=("self",)).select_related("organisation")
    found = rows.filter(pk=evidence.pk).first()
    if found is None:
        raise EvidenceRefused(_("This file was discarded meanwhile."), field="evidence")
    return found


def _redacts_as(evidence: Evidence, by: User) -> Evidence.Role:
    if by.is_steward:
        return Evidence.Role.STEWARD
    try:
        members.require_lead(of=evidence.organisation, by=by)
    except NotAllowed as exc:
        raise NotAllowed(
            _("Only stewards and leads of %(name)s may do this.") % {"name": evidence.organisation}
        ) from exc
    return Evidence.Role.OWNER


def _require_not_redacted(evidence: Evidence, *, field: str = "") -> None:
    if evidence.redacted_at is not None:
        raise EvidenceRedacted(redacted_sentence(evidence), field=field, redacted_at=evidence.redacted_at)


def redacted_sentence(evidence: Evidence) -> str:
    return _("This file was redacted on %(date)s: %(reason)s") % {
        "date": formats.long_day(evidence.redacted_at),
        "reason": evidence.redaction_reason,
    }


def _in_a_draft() -> EvidenceAttached:
    return EvidenceAttached(_("A draft has it: take it out there first."))
