"""Which box a job runs in, and whether this machine has what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from equinode_agent.errors import LeaseRejected
from equinode_agent.lease import Specification
from equinode_agent.notes import note
from equinode_agent.runners.container import Container
from equinode_agent.runners.engine import Engine
from equinode_agent.runners.images import Image
from equinode_agent.sandbox.box import Sandbox
from equinode_agent.sandbox.life import Box
from equinode_agent.sandbox.plan import Plan


def box(
    plan: Plan,
    specification: Specification,
    *,
    state: Path,
    scratch: Path,
    private: Path,
    most_kept: int,
    is_stopped: Callable[[], bool],
) -> Box:
    """LeaseRejected, with the reason, where this machine cannot run such a job.

    `most_kept`: how many bytes of images may stay for the next job.
    """
    if specification.runner == "bubblewrap":
        return Sandbox(plan, scratch=scratch, private=private)
    image = image_of(specification)
    engine = Engine.find(specification.runner, state=state)
    return Container(
        plan, scratch=scratch, engine=engine, image=image, most_kept=most_kept, is_stopped=is_stopped
    )


def image_of(specification: Specification) -> Image:
    try:
        return Image.read(specification.image or "")
    except ValueError as exc:
        raise LeaseRejected(note("image_name", image=(specification.image or "")[:80])) from exc
