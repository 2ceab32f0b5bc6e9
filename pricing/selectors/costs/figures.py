"""The waterfall as a table, and as worked formulas: every figure with the numbers that it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from pricing import wording
from pricing.domain.cost import Kind, split
from pricing.domain.declared import Declared
from pricing.domain.exact import EXACT, plain, rounded, total
from pricing.domain.working import Working, shown, workings
from pricing.models import CostComponent, CostStatement
from pricing.selectors.node import NodePage
from pricing.selectors.rates import WaterfallStep, adding_up, parted
from pricing.wording import working as words

ZERO = Decimal(0)
CENT = Decimal("0.01")
TENTH_OF_PERCENT = Decimal("0.001")
# Lines of the waterfall that are explained with another.
_SECTIONS = {"own_interest": "financing", "restated": "tariff", "owner_adjustment": "tariff", "fee": "to_pay"}


@dataclass(frozen=True)
class WorkedTerm:
    """A product, written out, and what it comes to."""

    formula: str
    year: Decimal  # EUR, to the cent; the terms of a line add up to it


@dataclass(frozen=True)
class WorkedLine:
    """A component, from what was declared to EUR per device-hour."""

    code: str
    label: str
    terms: tuple[WorkedTerm, ...]
    year: Decimal
    hour: Decimal
    source: str


@dataclass(frozen=True)
class WorkedSum:
    """A total, as the sum of what stands above it."""

    code: str
    label: str
    formula: str
    hour: Decimal


@dataclass(frozen=True)
class TableRow:
    """A step of the waterfall as a line of a table, with what it follows from."""

    code: str
    label: str
    amount: Decimal  # EUR per delivered device-hour
    share: Decimal | None  # of the full cost
    is_sum: bool
    year: Decimal | None = None  # EUR for the whole node, to the cent; for what the statement declares
    terms: tuple[WorkedTerm, ...] = ()  # of a component
    formula: str = ""  # of a total, of a component whose terms are not told
    source: str = ""

    @property
    def section(self) -> str:
        """Where the method of counting it is explained."""
        return _SECTIONS.get(self.code, self.code)


@dataclass(frozen=True)
class WorkedHours:
    formula: str
    result: str


@dataclass(frozen=True)
class Worked:
    """How every figure of a node comes about."""

    hours: tuple[WorkedHours, ...]
    device_hours: Decimal  # delivered in a year
    lines: tuple[WorkedLine, ...]
    sums: tuple[WorkedSum, ...]
    public: tuple[WorkedTerm, ...]  # what of a year's cost is not charged, by component
    public_year: Decimal


def table_of(page: NodePage, worked: Worked | None) -> list[TableRow]:
    """The waterfall's reading without a drawing, with what a year of the node costs."""
    statement, declared = page.statement, page.declared
    if statement is None or declared is None or worked is None:
        return []
    components = page.components[statement.pk]
    years = years_of(components)
    sentences = {line.kind: wording.component_sentence(Kind(line.kind), line.detail) for line in components}
    lines = {line.code: line for line in worked.lines}
    formulas = sentences | {one.code: one.formula for one in worked.sums}
    if page.rate and page.rate.carried:
        formulas["carried"] = words.carried(page.rate.carried, worked.device_hours)
    shares = _shares(page.waterfall, statement.full_delivered)
    return [
        TableRow(
            code=step.code,
            label=step.label,
            amount=step.amount,
            share=shares.get(step.code),
            is_sum=step.kind in ("sum", "price"),
            year=years.get(step.code),
            terms=lines[step.code].terms if step.code in lines else (),
            formula=formulas.get(step.code, ""),
            source=declared.sources.get(step.code, ""),
        )
        for step in page.waterfall
    ]


def _shares(steps: Sequence[WaterfallStep], full: Decimal) -> dict[str, Decimal]:
    """Of the full cost, to a tenth of a per cent: lines add up to the total beneath them as shown."""
    if not full:
        return {}
    in_full = [replace(step, amount=EXACT.divide(step.amount, full)) for step in steps]
    return {step.code: step.amount for step in adding_up(in_full, grain=TENTH_OF_PERCENT)}


def free_this_year(page: NodePage) -> list[str]:
    """Components that cost nothing: not declared, worn out, under warranty."""
    lines = page.components.get(page.statement.pk, []) if page.statement else []
    return [str(wording.COMPONENT_NAMES[Kind(line.kind)]) for line in lines if not line.full_year]


def years_of(components: Sequence[CostComponent]) -> dict[str, Decimal]:
    """EUR a year by step, in cents that add up to the totals shown beneath them."""
    full = sum((line.full_year for line in components), ZERO).quantize(CENT)
    chargeable = sum((line.chargeable_year for line in components), ZERO).quantize(CENT)
    cents = split(full, [line.full_year for line in components], grain=CENT)
    by_kind = {line.kind: cent for line, cent in zip(components, cents, strict=True)}
    public, own = parted(chargeable - full, components, grain=CENT)
    return by_kind | {"full": full, "granted": public, "own_interest": own, "chargeable": chargeable}


# --- how it is worked out -----------------------------------------------------------------------------
def worked_of(page: NodePage) -> Worked | None:
    """With the numbers of this node; None where no statement is in force."""
    statement, declared = page.statement, page.declared
    if statement is None or declared is None:
        return None
    components = page.components[statement.pk]
    years = years_of(components)
    hours = {step.code: step.amount for step in page.waterfall}
    found = {working.kind: working for working in _workings(statement, declared, page)}
    lines = tuple(
        WorkedLine(
            code=line.kind,
            label=str(wording.COMPONENT_NAMES[Kind(line.kind)]),
            terms=_terms(found[Kind(line.kind)], line, years[line.kind]),
            year=years[line.kind],
            hour=hours.get(line.kind, ZERO),
            source=declared.sources.get(line.kind, ""),
        )
        for line in components
        if line.full_year
    )
    public, public_year = _not_charged(components, years)
    return Worked(
        hours=tuple(WorkedHours(*row) for row in words.hours(declared, statement.device_count)),
        device_hours=Decimal(plain(statement.delivered_device_hours)),
        lines=lines,
        sums=tuple(_sums(page.waterfall)),
        public=public,
        public_year=public_year,
    )


def _workings(statement: CostStatement, declared: Declared, page: NodePage) -> list[Working]:
    zone = ZoneInfo(page.node.site.time_zone)
    first_day = statement.effective_from.astimezone(zone).date()
    return workings(declared, device_count=statement.device_count, year_from=first_day)


def _terms(working: Working, line: CostComponent, year: Decimal) -> tuple[WorkedTerm, ...]:
    """Nothing where the formulas of today do not come to what was published: then its sentence stands."""
    if rounded(total(term.amount for term in working.terms), CENT) != rounded(line.full_year, CENT):
        return ()
    cents = shown(year, [term.amount for term in working.terms], grain=CENT)
    return tuple(
        WorkedTerm(words.formula(term), cent) for term, cent in zip(working.terms, cents, strict=True)
    )


def _not_charged(
    components: Sequence[CostComponent], years: dict[str, Decimal]
) -> tuple[tuple[WorkedTerm, ...], Decimal]:
    """What is left out of the chargeable cost, by component, in cents that add up."""
    lines = [line for line in components if line.full_year != line.chargeable_year]
    whole = years["full"] - years["chargeable"]
    cents = shown(whole, [line.full_year - line.chargeable_year for line in lines], grain=CENT)
    return (
        tuple(
            WorkedTerm(str(wording.COMPONENT_NAMES[Kind(line.kind)]), cent)
            for line, cent in zip(lines, cents, strict=True)
        ),
        whole,
    )


def _sums(steps: Sequence[WaterfallStep]) -> list[WorkedSum]:
    """Every total as the total before it and the lines between, in six decimals."""
    found: list[WorkedSum] = []
    parts: list[Decimal] = []
    for step in steps:
        if step.kind in ("sum", "price"):
            if len(parts) > 1:
                found.append(WorkedSum(step.code, step.label, words.added(parts), step.amount))
            parts = [step.amount]
        else:
            parts.append(step.amount)
    return found
