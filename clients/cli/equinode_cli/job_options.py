"""What to run: a script or a command, its variables, the files to bring back. For `book` and `submit`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from equinode_cli.errors import Misused
from equinode_cli.words import _

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--command", "shell", metavar=_("COMMAND"), help=_("What to run, in place of a script.")),
    click.option(
        "--env", "variables", metavar="NAME[=VALUE]", multiple=True,
        help=_(
            "A variable of the job; without a value it is taken from here. "
            "Members of the project and the node’s administrators can read it."
        ),
    ),
    click.option(
        "--bring-back", "bring_back", metavar=_("PATTERN"), multiple=True,
        help=_("Files to bring back, such as 'out/*.csv'."),
    ),
    click.option(
        "--retry", type=click.Choice(["never", "from_start", "from_checkpoint"]),
        help=_("What becomes of it if its node fails: at most three times more, within its slot."),
    ),
    click.option(
        "--checkpoint", metavar=_("PATTERN"), multiple=True,
        help=_("With --retry from_checkpoint: the files that it goes on from, such as 'state/*.pt'."),
    ),
    click.option(
        "--on-disconnect", type=click.Choice(["keep", "stop"]),
        help=_("keep: it runs on while node and site cannot reach each other; stop: for ten minutes."),
    ),
    click.option(
        "--runner", type=click.Choice(["bubblewrap", "podman", "docker"]),
        help=_("What it runs under, where not under what its node is listed with."),
    ),
    click.option(
        "--image", metavar="REGISTRY/NAME@sha256:DIGEST",
        help=_("The image that it runs in, under podman or docker, by its digest."),
    ),
    click.option(
        "--network", type=click.Choice(["none", "internet", "list"]),
        help=_("internet: public addresses, through a proxy; list: what the node’s owner lists."),
    ),
)  # fmt: skip


def job_options(function: Function) -> Function:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


# Members of a job that are sent only where somebody says them: the site knows what is usual.
TERMS = ("retry", "checkpoint", "on_disconnect", "runner", "image", "network")


def terms_of(asked: dict[str, Any]) -> dict[str, Any]:
    """How it is to be run, as far as somebody said."""
    told = {name: asked.get(name) for name in TERMS}
    return {name: list(value) if name == "checkpoint" else value for name, value in told.items() if value}


def job(
    script: str | None, shell: str | None, variables: Sequence[str], bring_back: Sequence[str],
    terms: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    if (script is None) == (shell is None):
        raise Misused(_("Say what to run: a script’s file, - for standard input, or --command."))
    return {
        "script": shell if script is None else _read(script),
        "environment": dict(_variable(one) for one in variables),
        "bring_back": list(bring_back),
        **terms,
    }


def _read(script: str) -> str:
    try:
        content = sys.stdin.buffer.read() if script == "-" else Path(script).read_bytes()
        return content.decode()
    except UnicodeDecodeError as exc:
        raise Misused(_("%(file)s is not text in UTF-8.") % {"file": script}) from exc
    except OSError as exc:
        raise Misused(
            _("%(file)s cannot be read: %(fault)s") % {"file": script, "fault": exc.strerror}
        ) from exc


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if equals:
        return name, value
    if name not in os.environ:
        raise Misused(_("There is no variable “%(name)s” here: write %(name)s=VALUE.") % {"name": name})
    return name, os.environ[name]
