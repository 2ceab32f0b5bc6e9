"""One pure function of request, snapshot and policy: what an engine is made of.

All rules are evaluated, whatever the first says, under the policy as the exceptions in the snapshot ease
it. The same three inputs give the same answer, bit for bit, with the engine of the same number; a change of
arithmetic or rules is a new number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reservations.domain import easing, exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.decision import GRANTED, REFUSED, Answer, Offer
from reservations.domain.engines.nearest import longest_end, nearest
from reservations.domain.engines.quoting import level_change, quote_of
from reservations.domain.policy import Policy
from reservations.domain.rules import Asks, Case, Rule

# What it would rather grant than refuse: of a refused case, with the rules it is tried by.
Offers = Callable[[Case, tuple[Asks, ...]], tuple[Offer, ...]]


def no_offers(case: Case, rules: tuple[Asks, ...]) -> tuple[Offer, ...]:
    return ()


def numbers_as_published(policy: Policy, snapshot: Snapshot) -> Policy:
    return policy


@dataclass(frozen=True)
class Engine:
    """Its rules, in the order they are told in, and how it composes an answer of what they say."""

    version: str
    rules: tuple[Asks, ...]
    eased_by_shortening: tuple[Asks, ...]  # a shorter slot makes these easier, never harder
    numbers: Callable[[Policy, Snapshot], Policy] = numbers_as_published
    offers: Offers = no_offers

    def decide(self, request: Request, snapshot: Snapshot, policy: Policy) -> Answer:
        policy = self.numbers(policy, snapshot)
        case = Case(request, snapshot, easing.eased(policy, snapshot.exceptions))
        found = ((rule, rule(case)) for rule in self.rules)
        answers = tuple(
            _with_exceptions(self._with_remedy(answer, rule, case), snapshot, policy)
            for rule, answer in found
            if answer is not None
        )
        refused = {answer.code for answer in answers if answer.refuses}
        return Answer(
            engine=self.version,
            outcome=REFUSED if refused else GRANTED,
            rules=answers,
            quote=quote_of(case) if request.has_length and snapshot.is_priced else None,
            level=level_change(case),
            nearest=nearest(case, refused, self.eased_by_shortening) if refused else None,
            alternatives=self.offers(case, self.rules) if refused else (),
        )

    def verdicts(self, request: Request, snapshot: Snapshot, policy: Policy) -> tuple[Rule, ...]:
        """What every rule says, and nothing of what would work instead: for many decisions at once."""
        case = Case(request, snapshot, easing.eased(self.numbers(policy, snapshot), snapshot.exceptions))
        return tuple(answer for rule in self.rules if (answer := rule(case)) is not None)

    def _with_remedy(self, answer: Rule, rule: Asks, case: Case) -> Rule:
        """A refusal that a shorter slot would lift says how short."""
        if not answer.refuses or rule not in self.eased_by_shortening:
            return answer
        end = longest_end(case, (rule,))
        if end is None:
            return answer
        return replace(answer, remedy={**answer.remedy, "end": exact_json.moment(end)})


def _with_exceptions(answer: Rule, snapshot: Snapshot, policy: Policy) -> Rule:
    """A rule that an exception has eased says so, whatever it answers. Without one nothing is added."""
    told = easing.told_of(code=answer.code, facts=answer.facts, policy=policy, easings=snapshot.exceptions)
    found = [*told]
    return replace(answer, facts={**answer.facts, "exceptions": found}) if found else answer
