"""Messages of docs/agent-protocol.md held against their schemas under docs/schemas/agent."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas" / "agent"


def fault(name: str, message: object, *, closed: bool = True) -> str | None:
    """What is wrong with a message of this name: a member that is not as written.

    Closed: or that is not named. Such members are ignored by whoever receives them, and sent by nobody.
    """
    faults = sorted(_validator(name, closed).iter_errors(message), key=str)
    return f"{name}: {faults[0].json_path}: {faults[0].message[:300]}" if faults else None


@functools.cache
def _validator(name: str, closed: bool) -> Draft202012Validator:
    schemas = published(closed)
    return Draft202012Validator(
        schemas[name],
        registry=Registry().with_resources(
            (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
        ),
        format_checker=FormatChecker(),
    )


@functools.cache
def published(closed: bool = False) -> dict[str, Any]:
    """Every schema by the name of its message."""
    found = {path.name.removesuffix(".json"): json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    return {name: _closed(schema) for name, schema in found.items()} if closed else found


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if closed.get("properties") and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
