"""The draft of a cost statement: begun, saved as it was typed, thrown away, published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from nodes.models import Node
from pricing.domain import drafting
from pricing.domain.declared import VERSION, Declared, Json, Kind, NotReadable, from_json, renewed, to_json
from pricing.domain.specifications import modelled_power
from pricing.errors import DraftChanged, DraftGone, DraftOpen, StatementRefused
from pricing.models import CostStatement, Evidence, PoolDraft, StatementDraft, StatementDraftEvidence
from pricing.selectors.pools import pool_parts
from pricing.selectors.wizard import mean_between
from pricing.services.evidence import attach_to_statement
from pricing.services.periods import require_soon
from pricing.services.statements import publish_statement, refusal_of
from pricing.services.storable import storable

# A draft takes whatever was typed, but not without end.
LARGEST_DRAFT = 200_000  # characters of JSON


@transaction.atomic
def start_draft(
    *, node: Node, by: User, at: datetime, corrects: CostStatement | None = None, reason: str = ""
) -> StatementDraft:
    """The node's draft: the one that is open, or a new one from the newest statement or from the machine.

    One that corrects begins with what it corrects, and says why from the start.
    """
    # The node's lock: two who begin at once would both find none.
    node = Node.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=node.pk)
    found = StatementDraft.objects.filter(node=node).select_related("node", "corrects", "saved_by").first()
    if found is not None:
        if corrects is None or found.corrects_id == corrects.pk:
            return found
        raise DraftOpen(
            _("A draft is open already, saved last on %(when)s. Publish it or discard it first.")
            % {"when": formats.moment_with_year(found.saved_at)},
            saved_at=found.saved_at,
        )
    if corrects is not None:
        _require_reason(node, corrects, reason)
    return StatementDraft.objects.create(
        node=node,
        declared=_beginning(node, corrects),
        corrects=corrects,
        reason=reason.strip(),
        started_by=by,
        started_at=at,
        saved_by=by,
        saved_at=at,
    )


def _require_reason(node: Node, corrects: CostStatement, reason: str) -> None:
    if corrects.node_id != node.pk:
        raise StatementRefused(_("The statement to correct belongs to another node."), field="corrects")
    if not reason.strip():
        raise StatementRefused(_("A correction says why."), field="reason")


def _beginning(node: Node, corrects: CostStatement | None) -> dict[str, Json]:
    """What is known before anybody types: the last statement, or the place and the machine."""
    before = corrects or CostStatement.objects.filter(node=node).order_by("-number").first()
    if before is not None:
        return to_json(renewed(from_json(before.declared)))
    body: dict[str, Json] = {
        "version": VERSION,
        "pue": str(node.site.pue.normalize()),
        "assets": [_machine(node)],
    }
    power = modelled_power(
        device_models=list(node.devices.values_list("model", "memory_bytes")),
        cpu_model=node.cpu_model,
        cpu_cores=node.cpu_cores,
    )
    if power is not None:
        body |= {"active_kilowatts": str(power.kilowatts), "energy_source": "model"}
        body["sources"] = {"power": "; ".join(power.sources)}
    return body


def _machine(node: Node) -> dict[str, Json]:
    return {"name": " ".join(part for part in (node.vendor, node.machine_model) if part) or node.name}


@transaction.atomic
def save_draft(
    *,
    node: Node,
    members: Mapping[str, Json],
    version: int | None,
    by: User,
    at: datetime,
    step: str = "",
    reason: str | None = None,
) -> StatementDraft:
    """Put these members into the draft, wrong ones too.

    `version` is the one that was read: DraftChanged where somebody has saved since. None overwrites.
    """
    draft = lock(node)
    require_version(draft, version)
    draft.declared = dict(draft.declared) | storable(members)
    if step and step not in draft.steps_saved:
        draft.steps_saved = [*draft.steps_saved, step]
    if reason is not None:
        draft.reason = reason.strip()[:500]
    return _saved(draft, by, at)


@transaction.atomic
def open_draft(*, node: Node, by: User, at: datetime) -> StatementDraft:
    """The node's draft under its lock, begun where there is none."""
    start_draft(node=node, by=by, at=at)
    return lock(node)


@transaction.atomic
def replace_draft(
    *,
    node: Node,
    declared: Mapping[str, Json],
    version: int | None,
    by: User,
    at: datetime,
    reason: str | None = None,
    evidence: Sequence[tuple[str, Evidence]] | None = None,
) -> StatementDraft:
    """Write a draft anew, as programs do; begun where there is none. None: as it was."""
    draft = open_draft(node=node, by=by, at=at)
    require_version(draft, version)
    draft.declared = storable(declared)
    if reason is not None:
        draft.reason = reason.strip()[:500]
    if evidence is not None:
        draft.evidence.all().delete()
        for part, file in evidence:
            _put_behind(draft, part, file)
    return _saved(draft, by, at)


def _saved(draft: StatementDraft, by: User, at: datetime) -> StatementDraft:
    if len(str(draft.declared)) > LARGEST_DRAFT:
        raise StatementRefused(
            _("A draft has at most %(limit)s characters.") % {"limit": formats.number(LARGEST_DRAFT)}
        )
    draft.version += 1
    draft.saved_by, draft.saved_at = by, at
    draft.save()
    return draft


@transaction.atomic
def add_evidence(
    *, node: Node, part: str, evidence: Evidence, version: int | None, by: User, at: datetime
) -> StatementDraft:
    """Name a file of the owner’s that stands behind a part of the draft."""
    draft = lock(node)
    require_version(draft, version)
    _put_behind(draft, part, evidence)
    return _saved(draft, by, at)


def _put_behind(draft: StatementDraft, part: str, evidence: Evidence) -> None:
    if evidence.organisation_id != draft.node.owner_id:
        raise StatementRefused(_("This file belongs to another organisation."), field="evidence")
    if part and part not in list(Kind):
        raise StatementRefused(
            _("A statement has no part “%(part)s”.") % {"part": part[:60]}, field="evidence", part=part[:60]
        )
    StatementDraftEvidence.objects.get_or_create(draft=draft, part=part, evidence=evidence)


@transaction.atomic
def drop_evidence(*, node: Node, pk: int, version: int | None, by: User, at: datetime) -> StatementDraft:
    """Leave a file out of the draft; the file stays with its owner."""
    draft = lock(node)
    require_version(draft, version)
    draft.evidence.filter(pk=pk).delete()
    return _saved(draft, by, at)


@transaction.atomic
def choose_day(*, node: Node, first_day: date, version: int | None, by: User, at: datetime) -> StatementDraft:
    """The day from which the statement shall hold: its figures are shown for that day."""
    draft = lock(node)
    require_version(draft, version)
    draft.first_day = first_day
    return _saved(draft, by, at)


@transaction.atomic
def discard_draft(*, node: Node, version: int | None) -> None:
    draft = lock(node)
    require_version(draft, version)
    draft.delete()


@transaction.atomic
def publish_draft(
    *,
    node: Node,
    version: int | None,
    effective_from: datetime,
    by: User,
    at: datetime,
    effective_until: datetime | None = None,
    reason: str | None = None,
) -> CostStatement:
    """Publish the draft as it stands, with its evidence; it is gone then.

    Of two who publish at once the second finds no draft any more, and is told what became of it.
    """
    # The node before the draft, as whoever begins or rewrites one: the other way round both would wait.
    Node.objects.select_for_update(of=("self",), no_key=True).get(pk=node.pk)
    draft = lock(node)
    require_version(draft, version)
    require_day(effective_from, at)
    files = list(draft.evidence.select_related("evidence").order_by("evidence_id", "part"))
    try:
        declared = from_json(draft.declared)
    except NotReadable:
        raise refusal_of(drafting.read(draft.declared).faults) from None
    _require_pools(node, declared, effective_from)
    _require_day_ahead(node, declared)
    statement = publish_statement(
        node=node,
        declared=declared,
        effective_from=effective_from,
        effective_until=effective_until,
        published_by=by,
        at=at,
        corrects=draft.corrects,
        reason=draft.reason if reason is None else reason.strip(),
    )
    for file in files:
        attach_to_statement(statement=statement, part=file.part, evidence=file.evidence, by=by, at=at)
    draft.delete()
    return statement


def require_day(effective_from: datetime, at: datetime) -> None:
    """From when a draft can be in force."""
    if effective_from < at:
        raise StatementRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    require_soon(effective_from, at=at, refused=StatementRefused)


def _require_pools(node: Node, declared: Declared, effective_from: datetime) -> None:
    """A share is taken over as its owner published it: by value, and nothing else."""
    published = pool_parts(node=node, at=effective_from)
    for part in declared.pools:
        if part not in published:
            raise StatementRefused(
                _("The share of the pool “%(name)s” is not what is published for that day. Save it again.")
                % {"name": part.name[:80]},
                field="pools",
            )


def _require_day_ahead(node: Node, declared: Declared) -> None:
    """The mean of prices that this site has for the node's own zone."""
    mean = declared.day_ahead
    if mean is None:
        return
    known = mean_between(zone=node.site.electricity_zone, since=mean.since, until=mean.until)
    if known != mean:
        raise StatementRefused(
            _("The day-ahead price is not the mean that this site knows for those days. Save it again."),
            field="day_ahead",
        )


def require_version(draft: StatementDraft | PoolDraft, seen: int | None) -> None:
    if seen is None or seen == draft.version:
        return
    raise DraftChanged(
        _("%(name)s saved this draft on %(when)s, after you had opened it.")
        % {"name": draft.saved_by.name, "when": formats.moment_with_year(draft.saved_at)},
        version=draft.version,
        saved_at=draft.saved_at,
    )


def lock(node: Node) -> StatementDraft:
    """The node's draft until the end of the transaction; DraftGone tells what became of it."""
    rows = StatementDraft.objects.select_for_update(of=("self",)).select_related(
        "saved_by", "corrects", "node"
    )
    found = rows.filter(node=node).first()
    if found is not None:
        return found
    newest = (
        CostStatement.objects.filter(node=node).select_related("published_by").order_by("-number").first()
    )
    if newest is None:
        raise DraftGone(_("There is no draft any more: somebody has discarded it."))
    raise DraftGone(
        _("There is no draft any more. Statement %(number)d was published by %(name)s on %(when)s.")
        % {
            "number": newest.number,
            "name": newest.published_by.name,
            "when": formats.moment_with_year(newest.published_at),
        },
        statement=newest.number,
    )
