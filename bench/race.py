"""32 clients ask for the same eight devices and slot at once, 200 times."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta

from bench import clients, figures
from bench.bookings import WORKERS, booking, serve
from bench.world import World, world
from nodes.models import Hold

CLIENTS = 32
DEVICES = 8
ROUNDS = 200


def measure() -> None:
    with world(nodes=1, devices=DEVICES, researchers=CLIENTS) as its:
        # All requests in the database at once, where locks decide, and none queueing for a worker.
        serve(its.site, "--worker-class=gthread", f"--threads={CLIENTS // WORKERS}")
        _report([_round(its, number) for number in range(ROUNDS)])


def _round(its: World, number: int) -> list[clients.Answer]:
    start = its.first_slot + number * timedelta(minutes=30)
    wanted = booking(its.devices, start, start + timedelta(minutes=30))
    requests = [
        clients.post(its.site.url, "/api/v1/reservations", wanted(by.project), by) for by in its.researchers
    ]
    answers = clients.at_once(its.site.url, requests)
    holds = Hold.objects.filter(during__startswith=start).count()
    winners = sum(answer.status == 201 for answer in answers)
    if winners != 1 or holds != DEVICES:
        print(f"round {number}: {winners} winners, {holds} holds", file=sys.stderr)
    return answers


def _report(rounds: list[list[clients.Answer]]) -> None:
    slowest = [max(answer.seconds for answer in answers) for answers in rounds]
    statuses = Counter(answer.status for answers in rounds for answer in answers)
    single = sum(sum(answer.status == 201 for answer in answers) == 1 for answers in rounds)
    figures.table(
        f"Race: {CLIENTS} clients, the same {DEVICES} devices and slot, {len(rounds)} times",
        [
            "rounds with exactly one booking",
            "answers by status",
            "round's slowest answer, ms: median",
            "p99",
            "worst",
        ],
        [
            [
                f"{single} of {len(rounds)}",
                ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())),
                figures.milliseconds(figures.median(slowest)),
                figures.milliseconds(figures.percentile(slowest, 99)),
                figures.milliseconds(max(slowest)),
            ]
        ],
    )
