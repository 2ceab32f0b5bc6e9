"""Whatever a page changes, a call changes too, or docs/permissions.md says why not."""

from __future__ import annotations

from dataclasses import replace

from common.access import ANYONE
from config import parity
from config.permissions import PAGE, Address, addresses

EVERY = addresses()


def test_every_page_that_changes_something_has_its_call_or_a_reason() -> None:
    assert parity.gaps(EVERY) == []


def test_a_new_page_without_either_is_named() -> None:
    new = Address("/things/<slug>/end/", "thing_end", "reservations", False, {"POST": ANYONE})
    assert parity.gaps([*EVERY, new]) == [
        "/things/<slug>/end/: no call does the same, and no reason is given"
    ]


def test_a_page_that_is_only_read_needs_neither() -> None:
    new = Address("/things/", "things", "reservations", False, {"GET": ANYONE})
    assert parity.gaps([*EVERY, new]) == []


def test_a_call_that_went_is_named() -> None:
    without = [one for one in EVERY if one.name != "api_announcement"]
    assert parity.gaps(without) == ["steward_announcement_end: DELETE api_announcement is no call"]


def test_a_page_that_went_is_named() -> None:
    read_only = [replace(one, rules={"GET": ANYONE}) if one.name == "line_close" else one for one in EVERY]
    assert parity.gaps(read_only) == ["line_close: no page changes something there"]


def test_the_page_tells_of_each() -> None:
    text = PAGE.read_text()
    assert "| `/steward/projects/<slug>/place/` | POST `/api/v1/projects/<slug>/place` |" in text
    assert "| `/me/data/erase/` | none: asks again who you are" in text
    for row in parity.rows(EVERY):
        assert f"| {' | '.join(row)} |" in text
