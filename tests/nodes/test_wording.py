"""What agents tell of a job's end: in the reader's language by its code, else in the agent's words."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from equinode_agent import notes as agents

from nodes import wording

VALUES: dict[str, dict[str, Any]] = {
    "processes": {"limit": 40},
    "not_brought_back": {"files": "a, b"},
    "not_brought_back_and_more": {"files": "a, b", "more": 3},
    "bring_back_failed": {"error": "No space left on device"},
    "not_taken": {"files": "a, b"},
    "checkpoint_unfetched": {"file": "state/1.pt"},
    "owner_memory": {"limit": 2_000_000_000},
    "owner_disk": {"limit": 2_000_000_000},
    "owner_length": {"limit": "1.5"},
    "owner_network": {"network": "internet"},
    "no_device": {"kind": "gpu", "index": 7, "model": "H100"},
    "no_runner": {"runner": "podman"},
    "no_network": {"network": "internet"},
    "image_name": {"image": "python:3.12"},
    "no_image": {"image": "docker.io/x@sha256:0", "error": "manifest unknown"},
    "image_unfetched": {"image": "docker.io/x@sha256:0", "error": "connection refused"},
    "image_digest": {"image": "docker.io/x@sha256:0"},
    "image_late": {"image": "docker.io/x@sha256:0"},
    "image_size": {"image": "docker.io/x@sha256:0", "limit": 2_000_000_000},
    "image_shell": {"image": "docker.io/x@sha256:0"},
    "disk_low": {"image": "docker.io/x@sha256:0"},
    "owner_image": {"image": "docker.io/x@sha256:0"},
    "owner_power": {"limit": "300", "actual": "350"},
}
OWN_UNIT = {"owner_memory", "owner_disk", "image_size"}  # the site writes bytes as people do


def told(code: str, values: dict[str, Any] | None = None, text: str = "own words") -> str:
    return wording.end_notes([{"code": code, "text": text, "values": values or {}}], "all of it")


@pytest.mark.parametrize("code", agents.SENTENCES)
def test_every_code_of_our_agent_is_worded_in_both_languages(code: str) -> None:
    note = agents.note(code, **VALUES.get(code, {}))
    english = wording.end_notes([note.body()], note.text)
    if code not in OWN_UNIT:
        assert english == note.text
    with translation.override("fr"):
        assert wording.end_notes([note.body()], note.text) not in (english, note.text)


def test_bytes_are_written_as_people_do() -> None:
    assert told("owner_memory", VALUES["owner_memory"]) == (
        "The owner allows at most 2.0\N{NO-BREAK SPACE}GB of memory."
    )


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("", {}),
        ("eclipse", {}),
        ("processes", {}),
        ("owner_memory", {"limit": "much"}),
        ("no_device", {"kind": 1}),
    ],
)
def test_what_does_not_fit_is_told_in_the_agents_words(code: str, values: dict[str, Any]) -> None:
    assert told(code, values) == "own words"


def test_an_agent_without_codes_is_quoted() -> None:
    assert wording.end_notes([], "It stopped.") == "It stopped."


def test_several_notes_stand_one_after_another() -> None:
    notes = [agents.note("killed").body(), agents.plain("Fans at 100 %.").body()]
    assert wording.end_notes(notes, "") == "It went on after SIGTERM and was killed. Fans at 100 %."
