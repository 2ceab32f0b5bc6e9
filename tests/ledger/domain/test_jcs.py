"""Canonical JSON: one fact, one row of bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from ledger.domain import jcs


def test_members_are_sorted_by_utf_16_and_nothing_is_spaced() -> None:
    # RFC 8785, section 3.2.3.
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "1": "One",
        "\U0001f600": "Smiley",
        "\ufb33": "Dalet",
    }
    assert jcs.canonical(value).decode() == (
        '{"\\r":"Carriage Return","1":"One","\u20ac":"Euro Sign","\U0001f600":"Smiley","\ufb33":"Dalet"}'
    )


def test_decimals_moments_and_ids_become_text() -> None:
    paris = timezone(timedelta(hours=1))
    value = {
        "price": Decimal("1.10"),
        "small": Decimal("1E-7"),
        "from": datetime(2026, 11, 22, 16, tzinfo=paris),
        "exactly": datetime(2026, 11, 22, 15, 0, 0, 5, tzinfo=UTC),
        "uid": UUID(int=1),
        "parts": (1, True, None),
    }
    assert json.loads(jcs.canonical(value)) == {
        "price": "1.10",
        "small": "0.0000001",
        "from": "2026-11-22T15:00:00Z",
        "exactly": "2026-11-22T15:00:00.000005Z",
        "uid": "00000000-0000-0000-0000-000000000001",
        "parts": [1, True, None],
    }


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        {"deep": [{"er": 0.0}]},
        Decimal("NaN"),
        2**53,
        datetime(2026, 1, 1),
        b"bytes",
        {1: "one"},
        "\ud800",  # half a character
        {"set": {1}},
    ],
)
def test_what_has_no_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(jcs.NotCanonical):
        jcs.canonical(value)
