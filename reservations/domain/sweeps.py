"""What is swept again and again, how often, and when a sweep counts as stale."""

from __future__ import annotations

from datetime import datetime, timedelta

EVERY: dict[str, timedelta] = {
    "dispatch_due": timedelta(seconds=1),
    "reap": timedelta(seconds=2),
    "sequence_ledger": timedelta(seconds=2),
    "let_policy_take_effect": timedelta(seconds=10),
    "settle_ended": timedelta(seconds=10),
    "look_after_slots": timedelta(seconds=10),
    "measure_capacity": timedelta(minutes=1),
    "work_on_replays": timedelta(seconds=5),
    "forget_agent_calls": timedelta(minutes=10),
    "forget_kept_answers": timedelta(minutes=10),
    "send_mail": timedelta(seconds=10),
    "tell_what_comes": timedelta(minutes=1),
    "tell_owners": timedelta(minutes=10),
    "renew_allowances": timedelta(minutes=10),
    "end_what_is_over": timedelta(minutes=1),
    "sweep_evidence": timedelta(days=1),
    "count_weeks": timedelta(minutes=10),
    "count_reliability": timedelta(minutes=10),
    "thin_samples": timedelta(hours=1),
    "check_nodes": timedelta(seconds=10),
    "begin_spot_checks": timedelta(minutes=10),
}

# A busy machine may miss some beats; thirty seconds without a dispatch is not busy, it is broken.
GRACE = timedelta(seconds=30)


def is_stale(name: str, finished_at: datetime, now: datetime) -> bool:
    """Whether a sweep has missed three turns, and half a minute at least."""
    return now - finished_at > max(GRACE, 3 * EVERY[name])
