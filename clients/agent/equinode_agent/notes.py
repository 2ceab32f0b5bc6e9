"""What is to be said of a job's end: a code with its numbers, and the sentence for who lacks the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# docs/agent-protocol.md, "Notes": the site words these codes in its readers' languages.
SENTENCES = {
    "killed": "It went on after SIGTERM and was killed.",
    "processes": "It wanted more than the {limit} processes it may have.",
    "site_away": "The site could not be reached, and the job asked to stop then.",
    "not_brought_back": "Not brought back: {files}.",
    "not_brought_back_and_more": "Not brought back: {files} and {more} more.",
    "bring_back_failed": "Its files could not be brought back: {error}.",
    "not_taken": "The site did not take: {files}.",
    "device_not_freed": "The job before on this device could not be removed in time.",
    "lease_ran_out": "The lease ran out before its job could start.",
    "agent_stopped": "The agent was stopped on the node.",
    "restarted": "The agent or the machine restarted while the job ran.",
    "checkpoint_unfetched": "The site does not give the file {file} of its checkpoint.",
    "restarted_before_start": "The machine restarted before the job could start.",
    "owner_paused": "The owner has paused this node.",
    "owner_memory": "The owner allows at most {limit} bytes of memory.",
    "owner_disk": "The owner allows at most {limit} bytes of disk.",
    "owner_length": "The owner allows at most {limit} hours at a time.",
    "owner_network": "The owner allows no network “{network}”.",
    "owner_hours": "The owner does not allow jobs at these hours.",
    "no_device": "This machine has no {kind} {index} ({model}).",
    "no_runner": "This agent has no runner “{runner}”.",
    "no_network": "This agent gives no network “{network}”.",
    "digest": "The job does not match its digest.",
    "image_name": "“{image}” does not name an image as registry/name@sha256:digest.",
    "no_image": "The image {image} could not be fetched: {error}",
    "image_unfetched": "The node could not fetch the image {image}: {error}",
    "image_digest": "What the registry has as {image} does not have this digest.",
    "image_late": "The image {image} was not there before the end of the slot.",
    "image_size": "The image {image} takes more than the {limit} bytes that the owner allows.",
    "image_shell": "The image {image} has no /bin/sh, which runs the job.",
    "disk_low": "The disk of this machine is too full to fetch the image {image}.",
    "owner_image": "The owner does not allow the image {image}.",
    "owner_power": "The owner allows at most {limit} W for a GPU, and its limit is {actual} W.",
}
LONGEST = 500


@dataclass(frozen=True)
class Note:
    """Without a code there is the sentence alone."""

    code: str
    text: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "text": self.text[:LONGEST], "values": dict(self.values)}


def note(code: str, **values: str | int | float) -> Note:
    return Note(code, SENTENCES[code].format(**values), values)


def plain(text: str) -> Note:
    """What no code says."""
    return Note("", text)


def sentence(notes: Iterable[Note]) -> str:
    return " ".join(one.text for one in notes)[:LONGEST]
