"""What docs/api.md promises about refusals is what the code can say."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from common.errors import DomainError

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
PROTOCOL = (Path(__file__).parents[2] / "docs" / "agent-protocol.md").read_text()
for module in ("accounts.errors", "accounts.access", "common.api.errors", "ledger.errors", "nodes.errors",
               "pricing.errors", "reservations.errors"):  # fmt: skip
    import_module(module)


def _below(error: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in error.__subclasses__():
        yield child
        yield from _below(child)


CODES = sorted({error.code for error in _below(DomainError) if not error.__module__.startswith("tests")})


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_described(code: str) -> None:
    assert f"`{code}`" in API


SIGNED_CALLS = {error for error in _below(DomainError) if error.__module__ == "nodes.errors"}


@pytest.mark.parametrize(
    "code", sorted({error.code for error in SIGNED_CALLS if error.status == 401} - {"refused"})
)
def test_every_refusal_of_a_signed_call_is_in_the_protocol(code: str) -> None:
    assert f"`{code}`" in PROTOCOL
