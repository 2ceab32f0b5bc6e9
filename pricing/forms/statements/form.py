"""One step of the wizard as a form: what is typed, what is wrong with it, and its members of the draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from common import formats
from pricing.domain.declared import DayAheadMean, Declared, Fault, Json, PoolPart, to_json
from pricing.domain.drafting import Members
from pricing.forms.statements.parts import Part, changed_rows
from pricing.forms.statements.steps import ASKED, CONTRACT, DAY_AHEAD, Step
from pricing.wording import COMPONENT_NAMES, fault_sentence


@dataclass(frozen=True)
class Offered:
    """What others have published and this node can take over by value."""

    pools: tuple[PoolPart, ...] = ()
    day_ahead: DayAheadMean | None = None


@dataclass(frozen=True)
class PoolChoice:
    """A cost pool that has a share for this node."""

    part: PoolPart
    is_taken: bool

    @property
    def field(self) -> str:
        return f"pool-{self.part.pool}"

    @property
    def label(self) -> str:
        return f"{self.part.name} ({COMPONENT_NAMES[self.part.kind]})"

    @property
    def url(self) -> str:
        return f"/pools/{self.part.pool}/"


class StepForm:
    """The fields of a step, those of its lists, and where its figures come from."""

    def __init__(self, step: Step, texts: Mapping[str, str], *, is_checked: bool, offered: Offered) -> None:
        self.step, self.asked, self.texts, self.offered = step, ASKED[step], texts, offered
        self.part = self.asked.part(texts, is_checked=is_checked)
        self.sources = self.asked.sources(texts, prefix="sources", is_checked=is_checked)
        self.errors: list[str] = []
        if step is Step.POWER:
            self._offer_day_ahead()

    def _offer_day_ahead(self) -> None:
        field = self.part.fields["buys"]
        assert isinstance(field, forms.ChoiceField)
        # One of the two is needed.
        self.part.fields["contract_price"].required = self.texts.get("buys") != DAY_AHEAD
        mean = self.offered.day_ahead
        contract = (CONTRACT, _("At the price of a contract"))
        field.choices = [contract]
        if mean is not None:
            facts = {
                "zone": mean.zone, "price": formats.number(mean.eur_per_mwh, 2),
                "since": formats.long_day(mean.since), "until": formats.long_day(mean.until),
            }  # fmt: skip
            sentence = _(
                "At the day-ahead price of %(zone)s: %(price)s EUR per MWh, mean from %(since)s to %(until)s"
            )
            field.choices = [contract, (DAY_AHEAD, sentence % facts)]

    @property
    def pools(self) -> list[PoolChoice]:
        if self.step is not Step.HOSTING:
            return []
        return [PoolChoice(part, f"pool-{part.pool}" in self.texts) for part in self.offered.pools]

    def members(self, present: Mapping[str, Json], *, add: str = "", remove: str = "") -> Members:
        """What this step puts into the draft; `present` is what the draft holds."""
        body = changed_rows(self.part.members(), self.part.nested, add=add, remove=remove)
        if self.step is Step.POWER:
            is_day_ahead = body.pop("buys") == DAY_AHEAD and self.offered.day_ahead is not None
            body["day_ahead"] = _json(self.offered, "day_ahead") if is_day_ahead else None
            body["contract_price"] = None if is_day_ahead else body["contract_price"]
        if self.step is Step.HOSTING:
            taken = {choice.part.pool for choice in self.pools if choice.is_taken}
            parts = _json(self.offered, "pools")
            listed = parts if isinstance(parts, list) else []
            body["pools"] = [part for part in listed if isinstance(part, dict) and part["pool"] in taken]
        before = present.get("sources")
        kept = {**before} if isinstance(before, dict) else {}
        typed: dict[str, Json] = {name: text for name, text in self.sources.members().items() if text}
        body["sources"] = {
            name: text for name, text in kept.items() if name not in self.sources.fields
        } | typed
        return body

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Every fault of this step beside its field; those of other steps are theirs."""
        for fault in faults:
            top, *below = fault.field.split(".")
            if step_of_fault(fault) is not self.step:
                continue
            if top == "sources" and below and below[0] in self.sources.fields:
                self.sources.refuse(below, fault)
            elif top in self.part.fields or top in self.part.rows:
                self.part.refuse([top, *below], fault)
            else:
                self.errors.append(fault_sentence(fault))

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or self.part.has_errors or self.sources.has_errors


def texts_of(step: Step, body: Mapping[str, Any], *, is_saved: bool, offered: Offered) -> dict[str, str]:
    """What stands in the fields of a step for what a draft holds. Pools come ticked at first."""
    asked = ASKED[step]
    texts = dict(asked.part.written(body))
    sources = body.get("sources")
    texts |= dict(asked.sources.written(sources if isinstance(sources, Mapping) else {}, prefix="sources"))
    if step is Step.POWER:
        texts["buys"] = DAY_AHEAD if body.get("day_ahead") else CONTRACT
    if step is Step.HOSTING:
        listed = body.get("pools")
        taken = (
            {row.get("pool") for row in listed if isinstance(row, Mapping)}
            if isinstance(listed, list)
            else set()
        )
        texts |= {f"pool-{part.pool}": "on" for part in offered.pools if part.pool in taken or not is_saved}
    if step is Step.PURCHASE and texts.get("assets-count") == "0":
        texts["assets-count"] = "1"
    return texts


_ELSEWHERE = {
    "day_ahead": Step.POWER, "pools": Step.HOSTING, "version": Step.REVIEW, "reason": Step.REVIEW,
}  # fmt: skip


def step_of(member: str) -> Step:
    """Where a member of the declaration is asked for."""
    found = next((step for step, asked in ASKED.items() if _asks(asked.part, member)), None)
    return found or _ELSEWHERE.get(member, Step.REVIEW)


def _asks(part: type[Part], member: str) -> bool:
    return member in part.base_fields or member in part.nested


def step_of_fault(fault: Fault) -> Step:
    top, _dot, below = fault.field.partition(".")
    if top == "sources":
        return next((step for step, asked in ASKED.items() if below in asked.sourced), Step.REVIEW)
    return step_of(top)


def _json(offered: Offered, member: str) -> Json:
    """In the spelling of a declaration."""
    whole = Declared(
        assets=(), active_kilowatts=Decimal(0), idle_kilowatts=Decimal(0), pue=Decimal(1),
        used_share=Decimal(1), pools=offered.pools, day_ahead=offered.day_ahead,
    )  # fmt: skip
    return to_json(whole)[member]
