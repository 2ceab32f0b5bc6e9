"""What a reader is told to look at in a declaration, with its place among what others declare. Pure.

Flags never keep anybody from publishing. Peers are the statements in force of other owners' listed nodes
with the same device model; where those are fewer than FEWEST_PEERS, with the same kind of device. The
percentile of a value is the share of peers with a smaller one and half of those with an equal one, as
scipy.stats.percentileofscore(kind="mean") counts: 50 is what everybody has. docs/pricing-policy.md publishes
the numbers below.
"""

from __future__ import annotations

from pricing.domain.flags.figures import Bought, Code, Figures, Shop, figures_from, figures_of
from pricing.domain.flags.peers import FEWEST_PEERS, LEAST, Basis, Peers, Place
from pricing.domain.flags.raising import (
    RESIDUAL_USUAL_FROM,
    RETAIL_DAYS,
    SHORT_LIFE_BELOW,
    Flag,
    count_raised,
    flags,
)

__all__ = [
    "FEWEST_PEERS",
    "LEAST",
    "RESIDUAL_USUAL_FROM",
    "RETAIL_DAYS",
    "SHORT_LIFE_BELOW",
    "Basis",
    "Bought",
    "Code",
    "Figures",
    "Flag",
    "Peers",
    "Place",
    "Shop",
    "count_raised",
    "figures_from",
    "figures_of",
    "flags",
]
