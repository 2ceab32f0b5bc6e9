"""Whether the wanted devices are free, and their cost and price published."""

from __future__ import annotations

from reservations.domain.exact_json import Json, moment
from reservations.domain.rules.case import IDLE, PASS, REFUSE, Case, Rule


def free(case: Case) -> Rule:
    """Nobody else holds a wanted device in that time."""
    if not case.request.has_length:
        return Rule("free", IDLE)
    wanted, taken = len(case.request.devices), case.snapshot.taken
    missing = len({hold.device for hold in taken})
    if not taken:
        return Rule("free", PASS, limit=str(wanted), actual=str(wanted))
    holders: list[Json] = [
        {"device": hold.device, "holder": hold.holder, "kind": hold.kind,
         "start": moment(hold.start), "until": moment(hold.end)}
        for hold in taken
    ]  # fmt: skip
    next_free = case.snapshot.next_free
    return Rule(
        "free", REFUSE, limit=str(wanted), actual=str(wanted - missing), excess=str(missing),
        facts={"holders": holders, "until": moment(max(hold.end for hold in taken))},
        remedy={"next_free": moment(next_free)} if next_free else {},
    )  # fmt: skip


def price(case: Case) -> Rule:
    """No published cost and price, no booking."""
    wanted = len(case.request.devices)
    without = [device for device in case.snapshot.devices if device.price is None]
    if not without:
        return Rule("price", PASS, limit=str(wanted), actual=str(wanted))
    facts: dict[str, Json] = {
        "devices": [device.uid for device in without],
        "nodes": [*sorted({device.node for device in without})],
    }
    priced = wanted - len(without)
    return Rule("price", REFUSE, limit=str(wanted), actual=str(priced), excess=str(len(without)), facts=facts)
