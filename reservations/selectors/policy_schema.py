"""The JSON Schema of a published policy: what /policy.json keeps to."""

from __future__ import annotations

from typing import Any

from reservations.domain.calendar import KINDS, MINUTES_OF_DAY
from reservations.domain.linter import NUMBERS
from reservations.domain.policy import BY_CLASS, CLASSES, Policy
from reservations.wording.policies import FACTOR, PART, UNITS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Exact numbers with a point are text.
_EXACT = {"type": "string", "pattern": r"^[0-9]+(/[1-9][0-9]*)?$"}


def policy_schema(address: str) -> dict[str, Any]:
    moment, entry = {"type": "string", "format": "date-time"}, {"type": ["integer", "null"], "minimum": 0}
    return {
        "$schema": _DIALECT,
        "$id": address,
        "title": "Policy",
        "type": "object",
        "required": ["policy", "state", "effective_from", "effective_until", "reason", "digest", "rules"],
        "properties": {
            "policy": {"type": "integer", "minimum": 1, "description": "The version."},
            "state": {"enum": ["in_force", "to_come", "over", "called_off"]},
            "effective_from": moment,
            "effective_until": {"anyOf": [moment, {"type": "null"}]},
            "published_at": moment,
            "reason": {"type": "string"},
            "digest": {"type": "string", "description": "SHA-256 of the RFC 8785 form of `rules`."},
            "ledger_entry": entry,
            "follows": {"type": ["integer", "null"], "description": "The version before it."},
            "called_off_at": {"anyOf": [moment, {"type": "null"}]},
            "called_off_reason": {"type": "string"},
            "rules": _rules(),
        },
    }


def _rules() -> dict[str, Any]:
    always = [name for name in NUMBERS if getattr(Policy(), name) is not None]
    return {
        "type": "object",
        "description": "Every number of the rules. A rule that is not named is none.",
        "required": always,
        "additionalProperties": False,
        "properties": {
            **{name: _number(name) for name in NUMBERS},
            "peak": _calendar(),
            "classes": {"type": "array", "items": _class()},
        },
    }


def _number(name: str) -> dict[str, Any]:
    if UNITS[name] in (PART, FACTOR):
        return {**_EXACT, "description": "An exact fraction."}
    return {"type": "integer", "minimum": 0}


def _calendar() -> dict[str, Any]:
    minute = {"type": "integer", "minimum": 0, "maximum": MINUTES_OF_DAY}
    return {
        "type": "object",
        "description": "Bands cover each day once, by the clocks of the site. Day 0 is Monday.",
        "required": ["bands", "holidays_off_peak"],
        "additionalProperties": False,
        "properties": {
            "bands": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["weekday", "start_minute", "end_minute", "kind"],
                    "additionalProperties": False,
                    "properties": {
                        "weekday": {"type": "integer", "minimum": 0, "maximum": 6},
                        "start_minute": minute,
                        "end_minute": minute,
                        "kind": {"enum": [*KINDS]},
                    },
                },
            },
            "holidays_off_peak": {"type": "boolean"},
        },
    }


def _class() -> dict[str, Any]:
    own = {name: {"anyOf": [_number(name), {"type": "null"}]} for name in BY_CLASS}
    return {
        "type": "object",
        "description": "What holds for the projects of a class; null: as for everybody.",
        "required": ["code", "is_public_interest", "is_commercial"],
        "additionalProperties": False,
        "properties": {
            "code": {"enum": [*CLASSES]},
            "is_public_interest": {"type": "boolean"},
            "is_commercial": {"type": "boolean"},
            **own,
        },
    }
