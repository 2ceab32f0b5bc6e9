"""Drafts of cost pools: begun, saved as they were typed, thrown away, published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.services import members
from pricing.errors import PoolDraftGone, PoolRefused
from pricing.models import Evidence, PoolDraft, PoolStatement
from pricing.services.drafts import require_version
from pricing.services.pools import Wanted, publish_pool, require_own
from pricing.services.storable import storable

MOST_DRAFTS = 50  # of one organisation
LARGEST_DRAFT = 100_000  # characters


@transaction.atomic
def start_draft(
    *, organisation: Organisation, typed: Mapping[str, Any], evidence: Sequence[Evidence], by: User,
    at: datetime, corrects: PoolStatement | None = None,
) -> PoolDraft:  # fmt: skip
    """Keep what was typed, whatever it is; nothing of it is published."""
    organisation = members.lock(organisation)
    members.require_lead(of=organisation, by=by)
    if corrects is not None:
        require_own(organisation, corrects)
    if organisation.pool_drafts.count() >= MOST_DRAFTS:
        raise PoolRefused(
            _("%(most)s drafts are open, the most there may be. Publish or discard one.")
            % {"most": MOST_DRAFTS},
            limit=MOST_DRAFTS,
        )
    draft = PoolDraft(organisation=organisation, corrects=corrects, version=0)
    return _saved(draft, typed, evidence, by, at)


@transaction.atomic
def save_draft(
    *, draft: PoolDraft, typed: Mapping[str, Any], evidence: Sequence[Evidence], version: int | None,
    by: User, at: datetime,
) -> PoolDraft:  # fmt: skip
    """`version` is the one that was read: DraftChanged where somebody has saved since. None overwrites."""
    draft = _locked_draft(draft)
    members.require_lead(of=draft.organisation, by=by)
    require_version(draft, version)
    return _saved(draft, typed, evidence, by, at)


@transaction.atomic
def discard_draft(*, draft: PoolDraft, version: int | None, by: User) -> None:
    draft = _locked_draft(draft)
    members.require_lead(of=draft.organisation, by=by)
    require_version(draft, version)
    draft.delete()


@transaction.atomic
def publish_draft(
    *, draft: PoolDraft, wanted: Wanted, reason: str, version: int | None, by: User, at: datetime
) -> PoolStatement:
    """Publish what a draft has come to, with its evidence; the draft is gone with that."""
    draft = _locked_draft(draft)
    require_version(draft, version)
    statement = publish_pool(
        organisation=draft.organisation, wanted=wanted, corrects=draft.corrects, reason=reason,
        evidence=list(draft.evidence.all()), by=by, at=at,
    )  # fmt: skip
    draft.delete()
    return statement


def _saved(
    draft: PoolDraft, typed: Mapping[str, Any], evidence: Sequence[Evidence], by: User, at: datetime
) -> PoolDraft:
    if len(str(typed)) > LARGEST_DRAFT:
        raise PoolRefused(_("The draft is too long to be kept."), limit=LARGEST_DRAFT)
    for one in evidence:
        if one.organisation_id != draft.organisation_id:
            raise PoolRefused(_("A file belongs to another organisation."), field="evidence")
    draft.typed, draft.saved_by, draft.saved_at = storable(typed), by, at
    draft.version += 1
    draft.save()
    draft.evidence.set(evidence)
    return draft


def _locked_draft(draft: PoolDraft) -> PoolDraft:
    rows = PoolDraft.objects.select_for_update(of=("self",)).select_related(
        "organisation", "corrects__pool", "saved_by"
    )
    found = rows.filter(pk=draft.pk).first()
    if found is None:
        raise PoolDraftGone(_("This draft was published or discarded meanwhile."))
    return found
