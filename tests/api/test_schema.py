"""The description of every call is whole, and its examples are what it describes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from accounts.domain import scopes
from config.api import schema

ROOT = Path(__file__).parents[2]
SCHEMA = schema()


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


OPERATIONS = dict(operations())


def resolved(part: Any) -> Any:
    while isinstance(part, dict) and "$ref" in part:
        found: Any = SCHEMA
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def require_valid(example: Any, described: Any) -> None:
    jsonschema.Draft202012Validator({**described, "components": SCHEMA["components"]}).validate(example)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_says_what_it_is_and_shows_what_it_takes_and_answers(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"].endswith(".")
    assert "For: " in operation["description"]
    if "requestBody" in operation:
        for content in operation["requestBody"]["content"].values():
            require_valid(content["example"], content["schema"])
    for status, answer in operation["responses"].items():
        content = resolved(answer).get("content", {}).get("application/json")
        if content and status.startswith("2") and name != "GET /api/v1/me/export":
            require_valid(content["example"], content["schema"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_says_how_it_is_refused_and_who_may(name: str) -> None:
    operation = OPERATIONS[name]
    assert {"400", "401", "429"} <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        if status >= "400":
            assert list(resolved(answer)["content"]) == ["application/problem+json"]
    named = [scope for way in operation["security"] for scope in way.get("token", [])]
    assert set(named) <= set(scopes.ALL)
    is_write = not name.startswith("GET")
    parameters = [resolved(parameter)["name"] for parameter in operation.get("parameters", [])]
    assert ("Idempotency-Key" in parameters) == is_write
    assert {} not in operation["security"] or not is_write


def test_every_scope_opens_something() -> None:
    named = {
        scope
        for operation in OPERATIONS.values()
        for way in operation["security"]
        for scope in way.get("token", [])
    }
    assert named == set(scopes.ALL)


def test_no_two_calls_have_one_name() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


def test_what_is_committed_is_what_is_served() -> None:
    assert yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text()) == SCHEMA
    done = subprocess.run([ROOT / "bin" / "openapi", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
