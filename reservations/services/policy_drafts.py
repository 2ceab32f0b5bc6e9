"""What stewards write before they publish: kept, changed, discarded, published. Nothing of it decides."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common.access import NotAllowed
from reservations.domain.policy import Policy as Rules, standard
from reservations.errors import PolicyRefused
from reservations.models import Policy, PolicyDraft
from reservations.services import policy as policies


@transaction.atomic
def start_draft(*, by: User, at: datetime, rules: Rules | None = None) -> PolicyDraft:
    """Without rules it begins as the last version that was published; on a new site as the standard one."""
    _require_steward(by)
    last = Policy.objects.standing().first()
    if rules is None:
        rules = Rules.from_json(last.rules) if last else standard()
    return PolicyDraft.objects.create(
        based_on=last, rules=rules.to_json(), created_by=by, created_at=at, changed_by=by, changed_at=at
    )


@transaction.atomic
def change_draft(*, draft: PolicyDraft, rules: Rules, revision: int, by: User, at: datetime) -> PolicyDraft:
    """Write other numbers down, sound or not. Who has not seen the last change is told of it."""
    _require_steward(by)
    draft = _locked(draft)
    if revision != draft.revision:
        raise PolicyRefused(
            _("%(person)s changed this draft meanwhile: what you wrote is here and not saved.")
            % {"person": draft.changed_by},
            revision=draft.revision,
        )
    draft.rules, draft.revision = rules.to_json(), draft.revision + 1
    draft.changed_by, draft.changed_at = by, at
    draft.save(update_fields=["rules", "revision", "changed_by", "changed_at"])
    return draft


@transaction.atomic
def discard_draft(*, draft: PolicyDraft, by: User) -> None:
    _require_steward(by)
    _locked(draft).delete()


@transaction.atomic
def publish_draft(
    *,
    draft: PolicyDraft,
    reason: str,
    effective_from: datetime | None,
    by: User,
    at: datetime,
    revision: int | None = None,
    follows: int | None = None,
) -> Policy:
    """Publish what was looked at; the draft is gone then."""
    _require_steward(by)
    draft = _locked(draft)
    if revision is not None and revision != draft.revision:
        raise PolicyRefused(
            _("This draft was changed meanwhile. Look at the differences first."), revision=draft.revision
        )
    published = policies.publish_policy(
        rules=Rules.from_json(draft.rules), reason=reason, effective_from=effective_from, by=by, at=at,
        follows=follows,
    )  # fmt: skip
    draft.delete()
    return published


def _require_steward(by: User) -> None:
    if not by.is_steward:
        raise NotAllowed(_("Only stewards write drafts of the policy."))


def _locked(draft: PolicyDraft) -> PolicyDraft:
    found = (
        PolicyDraft.objects.select_for_update(of=("self",)).select_related("changed_by").filter(pk=draft.pk)
    ).first()
    if found is None:
        raise PolicyRefused(_("This draft is gone: it was published or discarded."))
    return found
