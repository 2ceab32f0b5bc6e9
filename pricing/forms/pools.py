"""A cost that nodes share, as it is typed: what is worked out so far, and all of it once it is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import Organisation
from common import formats
from common.forms import NumberField
from common.lines import require_one_line
from nodes.models import Node
from pricing.domain.pools import MoreThanAll, share_out
from pricing.models import Evidence, PoolStatement
from pricing.selectors.evidence import evidence_choices
from pricing.selectors.pools import nodes_to_share
from pricing.services.pools import Wanted

_BASE = "base_"


@dataclass(frozen=True)
class Differing:
    """A field where what was typed is not what somebody else saved meanwhile."""

    label: str
    theirs: str
    yours: str


@dataclass(frozen=True)
class Line:
    """What a node would have, as typed so far."""

    name: str
    share: Decimal
    amount_year: Decimal


class PoolForm(forms.Form):
    """One field for each node of the owner's: its base of the key, or nothing."""

    name = forms.CharField(
        label=_("Name"), max_length=80, validators=[require_one_line],
        help_text=_("“Operators”, “Rack in Lyon”, “Network”. Everybody reads it."),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("Component"), choices=PoolStatement.Kind,
        help_text=_("The part of a node’s cost that it belongs to."),
    )  # fmt: skip
    amount_year = NumberField(label=_("EUR a year"), example="82000")
    worked_out = forms.CharField(
        label=_("Where that comes from"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "Contract, invoice, salary scale: how somebody else would come to the amount. No names of people."
        ),
    )  # fmt: skip
    first_day = forms.DateField(label=_("First day (UTC)"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(
        label=_("Last day (UTC)"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until further notice."),
    )  # fmt: skip
    key = forms.ChoiceField(
        label=_("Split by"), choices=PoolStatement.Key, help_text=_("What the bases below are counted in.")
    )
    whole = NumberField(
        label=_("The whole"), required=False, example="42",
        help_text=_(
            "All that the cost serves, other things than these nodes too: the 42 rack units of a rack. "
            "Empty: these nodes are all."
        ),
    )  # fmt: skip
    evidence = forms.ModelMultipleChoiceField(
        Evidence.objects.none(), to_field_name="uid", label=_("Evidence"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Why it is corrected"), max_length=500, validators=[require_one_line],
        help_text=_("Everybody reads it, for ever."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, organisation: Organisation, corrects: PoolStatement | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.nodes: Sequence[Node] = list(nodes_to_share(organisation))
        for node in self.nodes:
            self.fields[_BASE + node.slug] = NumberField(label=node.name, required=False, example="12")
        choice = self.fields["evidence"]
        assert isinstance(choice, forms.ModelMultipleChoiceField)
        choice.queryset = evidence_choices(organisation)
        if not choice.queryset.exists():
            del self.fields["evidence"]
        if corrects is None:
            del self.fields["reason"]

    @property
    def common_fields(self) -> Iterator[BoundField]:
        return (self[name] for name in ("name", "kind", "amount_year", "worked_out", "first_day", "last_day"))

    @property
    def key_fields(self) -> Iterator[BoundField]:
        return (self[name] for name in ("key", "whole"))

    @property
    def node_fields(self) -> Iterator[BoundField]:
        return (self[_BASE + node.slug] for node in self.nodes)

    @property
    def last_fields(self) -> Iterator[BoundField]:
        return (self[name] for name in ("evidence", "reason") if name in self.fields)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        first, last = given.get("first_day"), given.get("last_day")
        if last == date.max:
            self.add_error("last_day", gettext("That is too far away."))
        elif first and last and last < first:
            self.add_error("last_day", gettext("The end lies before the beginning."))
        return given

    @property
    def bases(self) -> dict[str, Decimal]:
        given = {node.slug: self.cleaned_data.get(_BASE + node.slug) for node in self.nodes}
        return {slug: base for slug, base in given.items() if base is not None}

    @property
    def wanted(self) -> Wanted:
        given = self.cleaned_data
        last = given["last_day"]
        return Wanted(
            name=given["name"], kind=given["kind"], amount_year=given["amount_year"],
            worked_out=given["worked_out"], key=given["key"], whole=given["whole"], bases=self.bases,
            effective_from=_midnight(given["first_day"]),
            effective_until=_midnight(last + timedelta(days=1)) if last else None,
        )  # fmt: skip

    @property
    def why(self) -> str:
        return str(self.cleaned_data.get("reason", ""))

    @property
    def chosen_evidence(self) -> list[Evidence]:
        """Of a form with faults, too: a draft keeps them."""
        if "evidence" not in self.fields:
            return []
        return list(getattr(self, "cleaned_data", {}).get("evidence") or [])

    def typed(self) -> dict[str, Any]:
        """As it was typed, for a draft: known fields alone."""
        return {
            name: text
            for name in self.fields
            if name != "evidence" and (text := self.data.get(name)) is not None
        }

    def differing(self, theirs: Mapping[str, Any], evidence: Sequence[Evidence]) -> list[Differing]:
        """Beside what stands in the draft now; a choice by its name, and nothing as nothing."""
        yours = self.typed()
        found = [
            Differing(str(field.label), self._said(name, theirs.get(name)), self._said(name, yours.get(name)))
            for name, field in self.fields.items()
            if name != "evidence" and (theirs.get(name) or "") != (yours.get(name) or "")
        ]
        chosen = self.chosen_evidence
        if {one.pk for one in evidence} != {one.pk for one in chosen}:
            found.append(Differing(gettext("Evidence"), _titles(evidence), _titles(chosen)))
        return found

    def _said(self, name: str, text: Any) -> str:
        choices = {"kind": PoolStatement.Kind, "key": PoolStatement.Key}.get(name)
        named = dict(choices.choices) if choices else {}
        return str(named.get(text, text or "")) or formats.NOTHING

    @property
    def so_far(self) -> list[Line]:
        """What each node would have; nothing while that cannot be said."""
        given = getattr(self, "cleaned_data", {})
        amount, bases = given.get("amount_year"), self.bases if given else {}
        whole = given.get("whole") or sum(bases.values(), Decimal(0))
        if not amount or amount < 0 or not bases or not all(0 < base <= whole for base in bases.values()):
            return []
        try:
            shared = share_out(amount, whole=whole, bases=list(bases.values()))
        except MoreThanAll:
            return []
        names = {node.slug: node.name for node in self.nodes}
        lines = [
            Line(names[slug], part.share, part.amount_year)
            for slug, part in zip(bases, shared.parts, strict=True)
        ]
        rest = shared.unassigned
        return [*lines, Line(gettext("To none of them"), rest.share, rest.amount_year)]

    # How services call what is written here.
    FIELDS: Mapping[str, str] = {
        "effective_from": "first_day",
        "effective_until": "last_day",
        "bases": "whole",
    }

    def refuse(self, field: str, message: str, faults: Mapping[str, str] | None = None) -> None:
        """A service's no, beside what was wrong."""
        for one, sentence in (faults or {field: message}).items():
            name = self.FIELDS.get(one, one)
            self.add_error(name if name in self.fields else None, sentence)


def typed_from(statement: PoolStatement) -> dict[str, Any]:
    """A published statement as the form would have it typed, for the one that follows it."""
    bases = {_BASE + one.node.slug: _text(one.base) for one in statement.shares.all()}
    return {
        "name": statement.name, "kind": statement.kind, "amount_year": _text(statement.amount_year),
        "worked_out": statement.worked_out, "key": statement.key, "whole": _text(statement.whole), **bases,
    }  # fmt: skip


def typed_of_members(members: Mapping[str, Any]) -> dict[str, Any]:
    """What a call says, as the form would have it typed."""
    texts = {name: str(value) for name, value in members.items() if value not in (None, "")}
    for name in ("bases", "evidence", "corrects"):
        texts.pop(name, None)
    return texts | {_BASE + slug: str(base) for slug, base in (members.get("bases") or {}).items()}


def members_of_typed(typed: Mapping[str, Any]) -> dict[str, Any]:
    """And back: what a draft keeps, as a call says it."""
    plain = {name: text for name, text in typed.items() if not name.startswith(_BASE)}
    bases = {
        name.removeprefix(_BASE): text for name, text in typed.items() if name.startswith(_BASE) and text
    }
    return {**plain, "bases": bases}


def _titles(evidence: Sequence[Evidence]) -> str:
    return ", ".join(sorted(one.title for one in evidence)) or formats.NOTHING


def _text(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
