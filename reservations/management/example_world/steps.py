"""What happens in the example world: something done at its own time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Step:
    at: datetime
    order: int  # at one moment: closings, then capacity, then people, then bills
    do: Callable[[datetime], None]
