"""The way through the wizard, and the last look before publishing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from common.ranges import between
from pricing import wording
from pricing.domain.cost import Kind
from pricing.domain.declared import Fault
from pricing.forms.statements.form import Offered, step_of_fault, texts_of
from pricing.forms.statements.steps import ASKED, PART_NAMES, Step
from pricing.models import CostComponent, CostStatement, StatementDraft
from pricing.selectors.drafts import Effect, Warning
from pricing.selectors.holding import Lowering, lowerings
from pricing.selectors.pools import pool_parts

if TYPE_CHECKING:
    from pricing.forms.statements.parts import Part


@dataclass(frozen=True)
class TrailStep:
    """A step in the row above the form: a press saves and leads there."""

    step: Step
    name: str
    note: str
    state: str  # done | now | next


@dataclass(frozen=True)
class Told:
    """A fault with the step where it is put right."""

    sentence: str
    step: Step
    where: str


@dataclass(frozen=True)
class Line:
    label: str
    text: str


@dataclass(frozen=True)
class Block:
    """What was said in a step."""

    step: Step
    name: str
    lines: list[Line]


@dataclass(frozen=True)
class Change:
    """A component in EUR a year, against the statement in force."""

    label: str
    before: Decimal
    now: Decimal

    @property
    def by(self) -> Decimal:
        return self.now - self.before


@dataclass(frozen=True)
class Review:
    draft: StatementDraft
    effect: Effect
    blocks: list[Block]
    before: Mapping[str, Decimal]  # EUR a year by component, of the statement in force then
    begins: datetime  # when it would take effect
    lowered: list[Lowering]  # prices that it does not allow
    other_pools: list[str]  # names of those whose share is another on that day

    @cached_property
    def faults(self) -> list[Told]:
        return [_told(fault) for fault in self.effect.faults]

    @property
    def warnings(self) -> list[Warning]:
        return self.effect.warnings

    @cached_property
    def changes(self) -> list[Change]:
        """Component by component; nothing where no statement is in force."""
        if not self.before or self.effect.cost is None:
            return []
        now = {line.kind: line.full_year for line in self.effect.cost.components}
        return [
            Change(
                str(wording.COMPONENT_NAMES[kind]),
                self.before.get(kind, Decimal(0)),
                now.get(kind, Decimal(0)),
            )
            for kind in Kind
            if self.before.get(kind) or now.get(kind)
        ]


def trail(draft: StatementDraft | None, here: Step, faults: Iterable[Fault]) -> list[TrailStep]:
    """Which steps are done, which are wrong, and where one is."""
    saved = draft.steps_saved if draft else []
    wrong = {step_of_fault(fault) for fault in faults}
    found = [
        _trail_step(step, str(asked.name), here, step in saved, step in wrong)
        for step, asked in ASKED.items()
    ]
    state = "now" if here is Step.REVIEW else "next"
    return [*found, TrailStep(Step.REVIEW, _("Review"), _("and publish"), state)]


def _trail_step(step: Step, name: str, here: Step, is_saved: bool, is_wrong: bool) -> TrailStep:
    note = ""
    if is_saved:
        note = _("to be completed") if is_wrong else _("complete")
    state = "now" if step is here else "done" if is_saved and not is_wrong else "next"
    return TrailStep(step, name, note, state)


def review(*, draft: StatementDraft, effect: Effect, begins: datetime) -> Review:
    """As it would be in force from then on."""
    rows = CostComponent.objects.filter(statement=effect.in_force).values_list("kind", "full_year")
    return Review(
        draft=draft,
        effect=effect,
        blocks=[_block(step, draft.declared) for step in ASKED],
        before=dict(rows) if effect.in_force else {},
        begins=begins,
        lowered=_lowered(effect, begins),
        other_pools=_other_pools(effect, begins),
    )


def _lowered(effect: Effect, begins: datetime) -> list[Lowering]:
    """What becomes of the prices; nothing can be said of a draft that is not whole."""
    if effect.cost is None or effect.faults:
        return []
    unpublished = CostStatement(node=effect.node, effective=between(begins, None))
    return lowerings(statement=unpublished, since=begins, until=None, cost=effect.cost)


def _other_pools(effect: Effect, begins: datetime) -> list[str]:
    """Publishing would refuse them: a share is taken over as it is published for that day."""
    taken = effect.reading.declared.pools
    published = pool_parts(node=effect.node, at=begins) if taken else ()
    return [part.name for part in taken if part not in published]


def _told(fault: Fault) -> Told:
    step = step_of_fault(fault)
    where = str(ASKED[step].name) if step in ASKED else ""
    return Told(wording.fault_sentence(fault), step if step in ASKED else Step.PURCHASE, where)


def _block(step: Step, body: Mapping[str, Any]) -> Block:
    asked = ASKED[step]
    texts = texts_of(step, body, is_saved=True, offered=Offered())
    lines = list(_lines(asked.part, body, texts, ""))
    if step is Step.POWER and isinstance(mean := body.get("day_ahead"), Mapping):
        lines.append(
            Line(_("Day-ahead price"), f"{mean.get('zone')}, {mean.get('since')} – {mean.get('until')}")
        )
    if step is Step.HOSTING and isinstance(pools := body.get("pools"), list):
        lines += [Line(_("Cost pool"), str(pool.get("name"))) for pool in pools if isinstance(pool, Mapping)]
    sources = body.get("sources")
    for name, text in sources.items() if isinstance(sources, Mapping) else ():
        if name in asked.sourced:
            lines.append(Line(_("Source: %(part)s") % {"part": PART_NAMES[name]}, str(text)))
    return Block(step, str(asked.name), lines)


def _lines(
    part: type[Part], body: Mapping[str, Any], texts: Mapping[str, str], prefix: str
) -> Iterable[Line]:
    """What was said, in the words of the form; what was left empty is not repeated."""
    for name, field in part.base_fields.items():
        text = texts.get(f"{prefix}{name}", "")
        if text and name != "buys":
            choices = dict(getattr(field, "choices", ()))
            yield Line(str(field.label), str(choices.get(text, text)))
    for name, kind in part.nested.items():
        rows = body.get(name)
        for at, row in enumerate(rows if isinstance(rows, list) else []):
            if isinstance(row, Mapping):
                yield from _lines(kind, row, texts, f"{prefix}{name}-{at}-")
