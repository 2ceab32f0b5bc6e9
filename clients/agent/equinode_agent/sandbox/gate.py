"""The gate inside a sandbox: a shell that learns the job's variables, waits, and lets the job go."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass


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


def command(words: Words, *, becomes: bool) -> str:
    """What the shell inside does: reads the job's variables, says it is ready, waits, starts the job.

    Variables come through the pipe: never on a command line, which everybody on the machine can read,
    and never on a disk. They get a meaning only after the gate: what some make of a program (LD_PRELOAD,
    LC_ALL) is the job's own business then, told in its log; before, it would read as a broken sandbox,
    which is refunded. End of file means that the agent died before the moment: there is nothing to start.

    `becomes`: the shell becomes the job, where another process is the first of the namespace; else it
    stays, and with it goes all that is inside. It waits with the agent's priority, the job has less.
    """
    ready, gone_off = words.ready.decode().strip(), words.gone_off.decode().strip()
    gate = (
        f"""held=; while IFS= read -r line && [ "$line" != {words.last_variable} ]; do held="$held$line
"; done; [ "$line" = {words.last_variable} ] || exit 125; """
        f"""nice=$(nice -n 10 true 2>/dev/null && command -v nice); echo {ready}; """
        f"""read -r line; [ "$line" = {words.go} ] || exit 125; echo {gone_off}; """
        """set -- "$held" "$nice"; unset held line nice; eval "$1"; """
    )
    job = '${2:+"$2" -n 10} /bin/sh /job.sh </dev/null'
    # A command after the job, so that no shell becomes it to save a process.
    return f"{gate}exec {job}" if becomes else f"{gate}{job}; exit $?"


def exports(environment: Mapping[str, str], words: Words) -> bytes:
    """The job's variables as the gate reads them."""
    # `command`, so that a variable which the shell keeps for itself does not end the job.
    lines = [f"command export {shlex.quote(f'{name}={value}')}\n" for name, value in environment.items()]
    return f"{''.join(lines)}{words.last_variable}\n".encode()
