"""The sweeps: each finds its own work in the database. How often is in reservations.domain.sweeps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from time import monotonic

from celery import shared_task
from kombu.exceptions import OperationalError

import ledger.services
from accounts.services import idempotency, mail
from common import clock
from nodes.services import agent_calls, checking, samples
from pricing.services import allowances, evidence_sweep, returns, telling as owners
from reservations.errors import NoPolicy
from reservations.services import (
    capacity,
    counting,
    dispatch,
    ends,
    levels,
    no_shows,
    releasing,
    reliability,
    replays,
    settle,
    sweeps,
    telling,
    weeks,
)

logger = logging.getLogger(__name__)


def sweep(work: Callable[[datetime], object]) -> Callable[[], None]:
    """Make it a task that reads the clock once and leaves word of when it finished."""

    @wraps(work)
    def task() -> None:
        at, began = clock.now(), monotonic()
        work(at)
        took = timedelta(seconds=monotonic() - began)
        sweeps.record(name=work.__name__, finished_at=at + took, took=took)

    return task


@shared_task
@sweep
def dispatch_due(at: datetime) -> None:
    dispatch.dispatch_due(at=at)


def hurry() -> None:
    """Due work is a query that comes every second: without a broker it is only a little later."""
    try:
        dispatch_due.delay()
    except OperationalError as exc:
        logger.warning("could not hurry the dispatch: %s", exc)


@shared_task
@sweep
def reap(at: datetime) -> None:
    if dispatch.reap(at=at):
        dispatch.dispatch_due(at=at)  # the next job of the same slot need not wait for the tick


@shared_task
@sweep
def settle_ended(at: datetime) -> None:
    settle.settle_ended(at=at)


@shared_task
@sweep
def look_after_slots(at: datetime) -> None:
    releasing.release_idle(at=at)
    no_shows.look(at=at)


@shared_task
@sweep
def let_policy_take_effect(at: datetime) -> None:
    with suppress(NoPolicy):
        counting.let_take_effect(at=at)


@shared_task
@sweep
def sequence_ledger(at: datetime) -> None:
    ledger.services.sequence(at=at)


@shared_task
@sweep
def measure_capacity(at: datetime) -> None:
    with suppress(NoPolicy):  # a site whose first policy is not published yet has nothing to measure
        capacity.measure(at=at)
        levels.record_day(at=at)  # the first of each day does something
    capacity.forget_old(at=at)


@shared_task
@sweep
def work_on_replays(at: datetime) -> None:
    if replays.work_on_replays(at=at):
        hurry_replays()  # behind what came to wait meanwhile


def hurry_replays() -> None:
    with suppress(OperationalError):  # else with the next beat
        work_on_replays.delay()


@shared_task
@sweep
def forget_kept_answers(at: datetime) -> None:
    idempotency.forget(at=at)


@shared_task
@sweep
def forget_agent_calls(at: datetime) -> None:
    agent_calls.forget_old(at=at)


@shared_task
@sweep
def renew_allowances(at: datetime) -> None:
    returns.return_unused(at=at)  # first, so that what lapsed pays the next month
    allowances.renew(at=at)


@shared_task
@sweep
def end_what_is_over(at: datetime) -> None:
    ends.end_what_is_over(at=at)


@shared_task
@sweep
def send_mail(at: datetime) -> None:
    mail.send_due(at=at)


@shared_task
@sweep
def tell_what_comes(at: datetime) -> None:
    telling.tell_what_comes(at=at)


@shared_task
@sweep
def tell_owners(at: datetime) -> None:
    owners.tell_owners(at=at)


@shared_task
@sweep
def sweep_evidence(at: datetime) -> None:
    evidence_sweep.sweep_evidence(at=at)


@shared_task
@sweep
def count_weeks(at: datetime) -> None:
    weeks.count_weeks(at=at)


@shared_task
@sweep
def count_reliability(at: datetime) -> None:
    reliability.count(at=at)


@shared_task
@sweep
def thin_samples(at: datetime) -> None:
    samples.thin(at=at)


@shared_task
@sweep
def check_nodes(at: datetime) -> None:
    checking.carry_forward(at=at)


@shared_task
@sweep
def begin_spot_checks(at: datetime) -> None:
    checking.begin_spot_checks(at=at)
