"""The program `equinode`: reads the command line, tells what went wrong, and gives the exit code."""

from __future__ import annotations

import os
import sys

import click

from equinode_cli import terminal
from equinode_cli.call import Manner
from equinode_cli.commands import equinode
from equinode_cli.errors import CliError
from equinode_cli.wording import told
from equinode_cli.words import _

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(arguments: list[str] | None = None) -> int:
    manner = Manner()
    try:
        return int(equinode.main(arguments, "equinode", standalone_mode=False, obj=manner) or 0)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except CliError as exc:
        return _tell(exc, manner)
    except (KeyboardInterrupt, click.Abort):
        terminal.remark("\n" + _("Interrupted."))
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough; Python would complain once more while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _tell(exc: CliError, manner: Manner) -> int:
    """The sentence for people; with --json the whole problem document, where the answer would be."""
    if manner.as_json:
        terminal.say_json(exc.problem)
    terminal.remark(told(exc))
    return exc.exit_code
