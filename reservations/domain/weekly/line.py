"""One line of a week’s sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

ALL, ACCOUNT, CLASS, MODEL, NODE = "all", "account", "class", "model", "node"
RULE, FIRST, OWNER, COUNTRY = "rule", "first", "owner", "country"

Amounts = Mapping[str, Fraction | None]


@dataclass(frozen=True)
class Line:
    of: str
    key: str
    name: str = ""
    amounts: Amounts = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
