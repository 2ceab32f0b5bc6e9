"""The answer to a request: one pure function of request, snapshot and policy.

All rules are evaluated, whatever the first says, under the policy as the exceptions in the snapshot ease
it. The same three inputs give the same answer, bit for bit, with the engine of the same number; a change of
arithmetic or rules is a new number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import groupby

from pricing.domain.cost import split
from pricing.domain.declared import EXACT
from pricing.domain.grants import Cover
from reservations.domain import easing, exact_json, room, rules, slots
from reservations.domain.asking import Request, Snapshot
from reservations.domain.exact_json import Json
from reservations.domain.policy import Policy
from reservations.domain.rules import Asks, Case, Rule
from reservations.domain.shares import UNUSED, Level

ENGINE = "1"
GRANTED, REFUSED = "granted", "refused"


@dataclass(frozen=True)
class Line:
    """One line of the quote: device-hours of a node, or the site's fee for them. EUR."""

    item: str  # "slot" or "fee"
    node: str
    devices: int
    quantity: Decimal  # device-hours
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Payment:
    """What one grant pays."""

    grant: int
    name: str
    amount: Decimal
    hours: Decimal | None = exact_json.newer()  # device-hours, of a grant that counts them


@dataclass(frozen=True)
class Quote:
    """The price, frozen with the decision. Lines add up to the total; so do payments and what is short."""

    lines: tuple[Line, ...]
    total: Decimal
    per_hour: Decimal
    cost_weighted_hours: Decimal
    payments: tuple[Payment, ...]
    short: Decimal


@dataclass(frozen=True)
class LevelChange:
    """Promised share over received share, now and with this booking. None: nothing used yet."""

    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class Alternative:
    """The nearest slot on the same devices that passes every rule, as far as the snapshot shows."""

    start: datetime
    end: datetime
    total: Decimal


@dataclass(frozen=True)
class Answer:
    """`decide`'s answer; the columns of a stored decision."""

    engine: str
    outcome: str
    rules: tuple[Rule, ...]
    quote: Quote | None
    level: LevelChange
    nearest: Alternative | None

    @property
    def is_granted(self) -> bool:
        return self.outcome == GRANTED

    @property
    def refusing(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.refuses]

    def to_json(self) -> dict[str, Json]:
        written = exact_json.written(self)
        assert isinstance(written, dict)
        return written

    @classmethod
    def from_json(cls, answer: Json) -> Answer:
        return exact_json.read(cls, answer)


def decide(request: Request, snapshot: Snapshot, policy: Policy) -> Answer:
    case = Case(request, snapshot, easing.eased(policy, snapshot.exceptions))
    found = ((rule, rule(case)) for rule in rules.ALL)
    answers = tuple(
        _with_exceptions(_with_remedy(answer, rule, case), snapshot, policy)
        for rule, answer in found
        if answer is not None
    )
    is_refused = any(answer.refuses for answer in answers)
    return Answer(
        engine=ENGINE,
        outcome=REFUSED if is_refused else GRANTED,
        rules=answers,
        quote=quote_of(case) if request.has_length and snapshot.is_priced else None,
        level=_level_change(case),
        nearest=_nearest(case, answers) if is_refused else None,
    )


def digest(*, policy: Policy, request: Json, snapshot: Json, answer: Json) -> str:
    """What the ledger keeps of a decision: the SHA-256 of all it was taken on and of all it says."""
    return exact_json.digest(
        {"policy": policy.to_json(), "request": request, "snapshot": snapshot, "answer": answer}
    )


def quote_of(case: Case) -> Quote:
    """Lines per node: first its device-hours, then the fee for them."""
    paid = rules.covered(case)
    bare = list(_bare_lines(case))
    amounts = [Decimal(0)] * len(bare)
    if paid.total:
        with localcontext(EXACT):
            amounts = split(paid.total, [line.quantity * line.unit_price for line in bare])
    return Quote(
        lines=tuple(replace(line, amount=amount) for line, amount in zip(bare, amounts, strict=True)),
        total=paid.total,
        per_hour=case.price_per_hour,
        cost_weighted_hours=room.rounded_up(case.weight * case.hours),
        payments=tuple(_payments(case, paid)),
        short=paid.short,
    )


def _payments(case: Case, paid: Cover) -> Iterator[Payment]:
    grants = {grant.id: grant for grant in case.snapshot.grants}
    for part in paid.parts:
        grant = grants[part.grant_id]
        yield Payment(grant.id, grant.name, part.amount, None if grant.hours_left is None else part.hours)


def _bare_lines(case: Case) -> list[Line]:
    lines = []
    devices = sorted(case.snapshot.devices, key=lambda device: device.node)
    for node, group in groupby(devices, key=lambda device: device.node):
        prices = [device.price for device in group if device.price]
        quantity = room.rounded_up(case.hours * len(prices))
        for item, unit_price in (("slot", prices[0].price), ("fee", prices[0].fee)):
            if unit_price or item == "slot":
                lines.append(Line(item, node, len(prices), quantity, unit_price, Decimal(0)))
    return lines


def _level_change(case: Case) -> LevelChange:
    def level(added: Fraction) -> Decimal | None:
        return _shown_level(
            room.level_of(
                case.snapshot.standing, half_life=case.policy.half_life, at=case.request.at, added=added
            )
        )

    wanted = case.weight * case.hours if case.request.has_length else Fraction(0)
    return LevelChange(before=level(Fraction(0)), after=level(wanted))


def _shown_level(level: Level) -> Decimal | None:
    return None if level == UNUSED else room.rounded_down(Fraction(level))


def _with_remedy(answer: Rule, rule: Asks, case: Case) -> Rule:
    """A refusal that a shorter slot would lift says how short."""
    if not answer.refuses or rule not in rules.EASED_BY_SHORTENING:
        return answer
    end = _longest_end(case, (rule,))
    if end is None:
        return answer
    return replace(answer, remedy={**answer.remedy, "end": exact_json.moment(end)})


def _with_exceptions(answer: Rule, snapshot: Snapshot, policy: Policy) -> Rule:
    """A rule that an exception has eased says so, whatever it answers. Without one nothing is added."""
    told = easing.told_of(code=answer.code, facts=answer.facts, policy=policy, easings=snapshot.exceptions)
    found = [*told]
    return replace(answer, facts={**answer.facts, "exceptions": found}) if found else answer


def _longest_end(case: Case, wanted: tuple[Asks, ...]) -> datetime | None:
    """The latest mark up to the asked end with which none of these rules refuses: a binary search,
    since each of them only eases as the slot gets shorter."""
    policy = case.policy
    earliest = slots.mark_after(case.request.start + policy.shortest, policy.mark)
    latest = slots.mark_before(case.request.end, policy.mark)
    fits, fails = -1, (latest - earliest) // policy.mark + 1
    while fails - fits > 1:
        middle = (fits + fails) // 2
        shorter = case.ending(earliest + middle * policy.mark)
        if any(rules.refuses(rule, shorter) for rule in wanted):
            fails = middle
        else:
            fits = middle
    return earliest + fits * policy.mark if fits >= 0 else None


def _nearest(case: Case, answers: tuple[Rule, ...]) -> Alternative | None:
    """The same devices, as soon and for as long as every rule allows."""
    if not case.snapshot.is_priced:
        return None
    start = _nearest_start(case, {answer.code for answer in answers if answer.refuses})
    if start is None:
        return None
    request, policy = case.request, case.policy
    asked = max(request.end - request.start, policy.shortest) if request.has_length else policy.shortest
    latest = slots.mark_before(request.at + policy.horizon, policy.mark)
    end = min(_end_on_mark(start, min(asked, policy.longest), policy), latest)
    # `free` speaks of the asked slot; the start found above is free as far as it is known.
    moved = Case(replace(request, start=start, end=end), replace(case.snapshot, taken=()), policy)
    fitting = _longest_end(moved, rules.EASED_BY_SHORTENING)
    if fitting is None:
        return None
    shorter = moved.ending(fitting)
    return Alternative(start, fitting, rules.covered(shorter).total)


def _nearest_start(case: Case, refused: set[str]) -> datetime | None:
    request, policy = case.request, case.policy
    if "free" in refused:
        return case.snapshot.next_free
    if not refused & {"grid", "past"}:
        return request.start
    if request.start == request.at or (
        slots.is_on_mark(request.start, policy.mark) and "past" not in refused
    ):
        return request.start
    nearest = slots.nearest_mark(request.start, policy.mark)
    return nearest if nearest >= request.at else slots.mark_after(request.at, policy.mark)


def _end_on_mark(start: datetime, length: timedelta, policy: Policy) -> datetime:
    """The mark nearest to the wanted length, within the policy's bounds."""
    end = slots.nearest_mark(start + length, policy.mark)
    if end - start > policy.longest:
        end -= policy.mark
    return max(end, slots.mark_after(start + policy.shortest, policy.mark))
