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
)  # fmt: skip


def job_options(function: Function) -> Function:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def job(
    script: str | None, shell: str | None, variables: Sequence[str], bring_back: Sequence[str]
) -> dict[str, Any]:
    if (script is None) == (shell is None):
        raise Misused(_("Say what to run: a script’s file, - for standard input, or --command."))
    return {
        "script": shell if script is None else _read(script),
        "environment": dict(_variable(one) for one in variables),
        "bring_back": list(bring_back),
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
