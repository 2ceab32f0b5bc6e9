"""Who may use what, when: the share tree, policy, decisions, reservations and their runs."""

from __future__ import annotations

from reservations.models.account_moves import AccountMove
from reservations.models.applications import Application
from reservations.models.counters import CountedHours, SharedCell
from reservations.models.decisions import Decision
from reservations.models.exceptions import PolicyException
from reservations.models.no_shows import NoShow
from reservations.models.policies import Policy, PolicyDraft, UsageBasis
from reservations.models.replays import PolicyReplay, ReplayPart
from reservations.models.reservations import Reservation, ReservedDevice
from reservations.models.runs import Run, Sweep
from reservations.models.slot_changes import RefusedChange, SlotChange
from reservations.models.snapshots import Snapshot
from reservations.models.tree import Capacity, DailyStanding, MemberUse, UsageEntry, Vertex
from reservations.models.weeks import WeekSum
from reservations.models.withdrawals import NodeMonth, SlotWithdrawal

__all__ = [
    "AccountMove",
    "Application",
    "Capacity",
    "CountedHours",
    "DailyStanding",
    "Decision",
    "MemberUse",
    "NoShow",
    "NodeMonth",
    "Policy",
    "PolicyDraft",
    "PolicyException",
    "PolicyReplay",
    "RefusedChange",
    "ReplayPart",
    "Reservation",
    "ReservedDevice",
    "Run",
    "SharedCell",
    "SlotChange",
    "SlotWithdrawal",
    "Snapshot",
    "Sweep",
    "UsageBasis",
    "UsageEntry",
    "Vertex",
    "WeekSum",
]
