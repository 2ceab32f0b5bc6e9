"""What an owner declares about a node, its JSON, and what cannot be true of it.

Sentences for the faults found here are in pricing.wording.
"""

from __future__ import annotations

from pricing.domain.declared.faults import AMOUNTS, LARGEST, SHARES, SOURCED, Fault, faults
from pricing.domain.declared.reading import Json, NotReadable, from_json, renewed, to_json
from pricing.domain.declared.shape import (
    HOURS_A_YEAR,
    VERSION,
    Asset,
    DayAheadMean,
    Declared,
    EnergySource,
    Funding,
    FundingKind,
    Kind,
    PoolKey,
    PoolPart,
    Support,
)
from pricing.domain.exact import EXACT, ONE, ZERO, plain

__all__ = [
    "AMOUNTS",
    "EXACT",
    "HOURS_A_YEAR",
    "LARGEST",
    "ONE",
    "SHARES",
    "SOURCED",
    "VERSION",
    "ZERO",
    "Asset",
    "DayAheadMean",
    "Declared",
    "EnergySource",
    "Fault",
    "Funding",
    "FundingKind",
    "Json",
    "Kind",
    "NotReadable",
    "PoolKey",
    "PoolPart",
    "Support",
    "faults",
    "from_json",
    "plain",
    "renewed",
    "to_json",
]
