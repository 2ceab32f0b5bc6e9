"""What is offered instead of a refused request: of each kind, the first candidate that passes every rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reservations.domain import rules
from reservations.domain.asking import Candidate, Nearby
from reservations.domain.decision import Offer
from reservations.domain.rules import Asks, Case

FEWER = "fewer"


def offers(case: Case, wanted: tuple[Asks, ...]) -> tuple[Offer, ...]:
    """In the order of the candidates, one of each kind at most. None without candidates."""
    nearby = case.snapshot.candidates
    found: dict[str, Offer] = {}
    for candidate in nearby.requests if nearby else ():
        assert nearby is not None
        if candidate.kind in found:
            continue
        passing = _passing(case, nearby, candidate, wanted)
        if passing is not None:
            total = rules.covered(passing).total
            asked = passing.request
            found[candidate.kind] = Offer(candidate.kind, asked.devices, asked.start, asked.end, total)
    return tuple(found.values())


def as_case(case: Case, nearby: Nearby, candidate: Candidate, devices: int | None = None) -> Case:
    """A candidate as if it had been asked for; of its devices the first so many."""
    uids = candidate.devices[:devices]
    known = {device.uid: device for device in (*case.snapshot.devices, *nearby.devices)}
    sizes = {node.slug: node for node in (*case.snapshot.nodes, *nearby.nodes)}
    stocks = {model.key: model for model in (*case.snapshot.models, *nearby.models)}
    its = tuple(known[uid] for uid in uids)
    return Case(
        replace(case.request, devices=uids, start=candidate.start, end=candidate.end),
        replace(
            case.snapshot,
            devices=its,
            nodes=tuple(sizes[slug] for slug in dict.fromkeys(device.node for device in its)),
            models=tuple(stocks[key] for key in dict.fromkeys(device.model for device in its)),
            taken=(),
            next_free=None,
            cells=nearby.cells,
            commerce=nearby.commerce,
            candidates=None,
        ),
        case.policy,
    )


def _passing(case: Case, nearby: Nearby, candidate: Candidate, wanted: Sequence[Asks]) -> Case | None:
    if candidate.kind != FEWER:
        tried = as_case(case, nearby, candidate)
        return tried if _passes(tried, wanted) else None
    # As many as pass: a binary search, since no rule gets harder with fewer of the same devices.
    fits, fails = 0, len(candidate.devices) + 1
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if _passes(as_case(case, nearby, candidate, middle), wanted):
            fits = middle
        else:
            fails = middle
    return as_case(case, nearby, candidate, fits) if fits else None


def _passes(case: Case, wanted: Sequence[Asks]) -> bool:
    return not any(rules.refuses(rule, case) for rule in wanted)
