"""Messages of docs/agent-protocol.md held against their schemas under docs/schemas/agent."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas" / "agent"


def fault(name: str, message: object) -> str | None:
    """What is wrong with a message of this name: a member that is not as written, or that is not named."""
    faults = sorted(_validator(name).iter_errors(message), key=str)
    return f"{name}: {faults[0].json_path}: {faults[0].message[:300]}" if faults else None


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        _schemas()[f"{name}.json"], registry=_registry(), format_checker=FormatChecker()
    )


@functools.cache
def _registry() -> Registry[Any]:
    return Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in _schemas().values()
    )


@functools.cache
def _schemas() -> dict[str, Any]:
    return {path.name: _closed(json.loads(path.read_text())) for path in SCHEMAS.glob("*.json")}


def _closed(schema: Any) -> Any:
    """Members that are not named are ignored by whoever receives them, and sent by nobody."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if closed.get("properties") and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
