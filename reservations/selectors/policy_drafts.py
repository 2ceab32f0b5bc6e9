"""Drafts of the policy as stewards read them: what they would change, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from reservations import wording
from reservations.domain.exact_json import Json, moment
from reservations.domain.linter import NUMBERS, Fault, lint
from reservations.domain.policy import Policy as Rules
from reservations.domain.policy_changes import changes
from reservations.models import Policy, PolicyDraft
from reservations.selectors.policy_page import ClassRow, Day, class_rows, week_of
from reservations.wording.policy_changes import Difference


@dataclass(frozen=True)
class DraftPage:
    """`last` is the version that it would follow; None on a site without a policy."""

    draft: PolicyDraft
    rules: Rules
    last: Policy | None
    faults: tuple[str, ...]
    found: tuple[Fault, ...]
    differences: tuple[Difference, ...]
    counts_again: bool  # publishing it counts all use again
    week: tuple[Day, ...]
    classes: tuple[ClassRow, ...]
    present: Mapping[str, str]  # the numbers of the last version, by name

    @property
    def is_sound(self) -> bool:
        return not self.found

    @property
    def is_old(self) -> bool:
        """Another version has come since it was begun."""
        begun_from = self.draft.based_on.version if self.draft.based_on else 0
        return self.last is not None and self.last.version > begun_from

    @property
    def called_off(self) -> Policy | None:
        """What it was begun from, where that will never hold."""
        begun_from = self.draft.based_on
        return begun_from if begun_from and begun_from.called_off_at else None


@dataclass(frozen=True)
class Group:
    """Numbers that belong together, as the editor shows them."""

    slug: str
    title: str
    says: str
    names: tuple[str, ...]


def groups() -> tuple[Group, ...]:
    return (
        Group(
            "slots", gettext("Slots"), gettext("When one begins, how long it lasts, how far ahead."),
            ("mark_minutes", "shortest_minutes", "longest_hours", "horizon_days", "free_cancel_hours"),
        ),
        Group(
            "room", gettext("Room"), gettext("What one project may hold in advance."),
            (
                "exempt_hours", "least_factor", "most_factor", "least_node_hours", "model_share",
                "active_days",
            ),
        ),
        Group(
            "share", gettext("Fair share"), gettext("How long use is remembered."), ("half_life_hours",)
        ),
        Group(
            "interest", gettext("Public interest and commerce"),
            gettext("What is kept for some, and what is closed to others. Empty: no such rule."),
            ("floor_share", "floor_ahead_hours", "commerce_share"),
        ),
        Group(
            "no-shows", gettext("No-shows"), gettext("What becomes of slots that nobody uses."),
            ("no_show_minutes", "no_show_part", "no_shows_most", "no_show_days", "sanction_days"),
        ),
    )  # fmt: skip


def draft_page(draft: PolicyDraft) -> DraftPage:
    last = Policy.objects.standing().first()
    rules, present = Rules.from_json(draft.rules), Rules.from_json(last.rules) if last else None
    found = tuple(lint(rules))
    return DraftPage(
        draft=draft,
        rules=rules,
        last=last,
        faults=tuple(_placed(fault) for fault in found),
        found=found,
        differences=wording.differences(changes(present, rules)) if present else (),
        counts_again=present is not None and present.half_life != rules.half_life,
        week=week_of(rules.peak),
        classes=class_rows(rules),
        present={name: wording.policy_value(name, getattr(present, name)) for name in NUMBERS}
        if present
        else {},
    )


def _placed(fault: Fault) -> str:
    """With the name of the number that it is about."""
    name = fault.field.rpartition(".")[2]
    called = (
        wording.class_name(name) if name == fault.class_code and name else wording.policy_number_name(name)
    )
    said = {"name": called, "text": wording.fault(fault)}
    return gettext("%(name)s: %(text)s") % said


def drafts() -> list[PolicyDraft]:
    """All there are, the one changed last first."""
    return list(PolicyDraft.objects.select_related("changed_by", "based_on"))


def draft_json(page: DraftPage) -> dict[str, Json]:
    draft = page.draft
    return {
        "draft": str(draft.uid),
        "revision": draft.revision,
        "based_on": draft.based_on.version if draft.based_on else None,
        "follows": page.last.version if page.last else None,
        "changed_at": moment(draft.changed_at),
        "rules": draft.rules,
        "faults": [{"field": fault.field, "text": wording.fault(fault)} for fault in page.found],
        "differences": differences_json(page.differences),
    }


def differences_json(differences: tuple[Difference, ...]) -> list[Json]:
    written: list[Json] = []
    for one in differences:
        members: dict[str, Json] = {
            "name": one.name, "before": one.before, "after": one.after, "means": one.means,
        }  # fmt: skip
        written.append(members)
    return written


def editor_rows(form: Any, page: DraftPage) -> list[dict[str, Any]]:
    """The groups with their fields and, beside each, the number of the last version."""
    return [
        {
            "group": group,
            "rows": [{"field": form[name], "present": page.present.get(name, "")} for name in group.names],
        }
        for group in groups()
    ]
