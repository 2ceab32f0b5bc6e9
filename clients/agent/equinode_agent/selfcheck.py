"""Builds a sandbox and looks at it from inside, before any lease is taken."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from equinode_agent import clock, identity
from equinode_agent.errors import SandboxError
from equinode_agent.sandbox.box import Sandbox
from equinode_agent.sandbox.plan import Plan

NAME = "selfcheck"
SCRIPT = """
echo user $(id -u)
echo python $(/usr/bin/python3 -c 'import platform; print(platform.python_version())' 2>/dev/null)
echo interfaces $(grep -c : /proc/net/dev)
"""
HINT = "On most systems it helps to install bubblewrap and to allow unprivileged user namespaces."


def check(state: Path) -> dict[str, Any]:
    """What a job finds here; SandboxError if none could run."""
    plan = Plan(
        owner=identity.mark(state),
        name=NAME,
        script=SCRIPT,
        environment={},
        memory_bytes=256 << 20,
        processes=16,
        disk_bytes=16 << 20,
        device_files=(),
        slot=0,
    )
    scratch = identity.scratch_folder(state)
    with tempfile.TemporaryDirectory(dir=state) as private:
        sandbox = Sandbox(plan, scratch=scratch, private=Path(private))
        try:
            return _try_out(sandbox)
        except SandboxError as exc:
            raise SandboxError(f"No job could run here: {exc} {HINT}") from exc
        finally:
            sandbox.close()
            sandbox.wipe()


def _try_out(sandbox: Sandbox) -> dict[str, Any]:
    began = clock.now()
    sandbox.stage(lambda _line: None)
    sandbox.build()
    built = clock.now()
    started = sandbox.release()
    printed = b""
    while piece := os.read(sandbox.output_fd, 4096):
        printed += piece
    told = dict(line.partition(" ")[::2] for line in printed.decode(errors="replace").splitlines())
    code = sandbox.exit_code()
    if code != 0 or told.get("interfaces") != "1":
        raise SandboxError(f"A trial job ended with {code} and printed: {printed.decode(errors='replace')!r}")
    return {
        "limits": sandbox.limits_kept_by,
        "python3": told.get("python") or None,
        "build_ms": round((built - began) * 1000, 3),
        # A start can take some 40 microseconds: a tenth of a millisecond would tell it as none.
        "start_ms": round((started - built) * 1000, 3),
    }
