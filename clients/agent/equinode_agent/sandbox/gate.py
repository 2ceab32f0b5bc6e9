"""The gate inside a sandbox: a shell that learns the job's variables, waits, and lets the job go."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

SHELL = "/bin/sh"


@dataclass(frozen=True)
class Words:
    """What the gate and the agent say to each other; not to be met by chance in anything else."""

    nonce: str

    @classmethod
    def new(cls) -> Words:
        return cls(secrets.token_hex(8))

    @property
    def ready(self) -> bytes:
        return f"ready-{self.nonce}\n".encode()

    @property
    def gone_off(self) -> bytes:
        return f"off-{self.nonce}\n".encode()

    @property
    def last_variable(self) -> str:
        return f"all-{self.nonce}"

    @property
    def go(self) -> str:
        return f"go-{self.nonce}"


def reader(words: Words) -> str:
    """What the shell of a stranger's image does: reads the job's variables and runs the job.

    Variables come through the pipe: never on a command line, which everybody on the machine can read,
    and never on a disk. It stays the first process: with it goes all that is inside.
    """
    # A command after the job, so that no shell becomes it to save a process.
    return f"{_variables(words)}{JOB}; exit $?"


def command(words: Words) -> str:
    """What the machine's own shell does: learns the variables, says it is ready, waits, becomes the job.

    The variables get a meaning only after the gate: what some make of a program (LD_PRELOAD, LC_ALL) is
    the job's own business then, told in its log; before, it would read as a broken sandbox, which is
    refunded. End of file means that the agent died before the moment: there is nothing to start.
    """
    ready, gone_off = words.ready.decode().strip(), words.gone_off.decode().strip()
    wait = f'echo {ready}; read -r line; [ "$line" = {words.go} ] || exit 125; echo {gone_off}; '
    return f"{_variables(words, then=wait)}exec {JOB}"


# Inside, the agent's own priority only waits: the job has less.
JOB = f'${{2:+"$2" -n 10}} {SHELL} /job.sh </dev/null 2>&1'


def _variables(words: Words, *, then: str = "") -> str:
    return (
        f"""held=; while IFS= read -r line && [ "$line" != {words.last_variable} ]; do held="$held$line
"; done; [ "$line" = {words.last_variable} ] || exit 125; """
        """nice=$(nice -n 10 true 2>/dev/null && command -v nice); """
        f"""{then}set -- "$held" "$nice"; unset held line nice; eval "$1"; """
    )


def exports(environment: Mapping[str, str], words: Words) -> bytes:
    """The job's variables as the gate reads them."""
    # `command`, so that a variable which the shell keeps for itself does not end the job.
    lines = [f"command export {shlex.quote(f'{name}={value}')}\n" for name, value in environment.items()]
    return f"{''.join(lines)}{words.last_variable}\n".encode()
