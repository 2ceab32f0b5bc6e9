"""The agent's hold on the relay of one job: started when the job's network is there, ended with the job."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path

import equinode_agent
from equinode_agent.errors import SandboxError
from equinode_agent.network.relay import PORT
from equinode_agent.network.rules import Rules

# Below the jobs' own users (sandbox.plan.JOB_UID): an owner's firewall can tell what jobs send by it.
RELAY_UID = 60_599
START_SECONDS = 20.0
GONE_SECONDS = 10.0
_ADDRESS = f"http://127.0.0.1:{PORT}"
# What programs look at to find a proxy, in the spellings that one or the other insists on.
ENVIRONMENT = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), _ADDRESS),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1"),
}


class Gateway:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @classmethod
    def open(cls, rules: Rules, *, of: int) -> Gateway:
        """A relay for the network that this process is in; SandboxError if it will not come."""
        uid = RELAY_UID if os.geteuid() == 0 else None
        process = subprocess.Popen(
            [sys.executable, "-m", "equinode_agent.network.relay"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": _packages()},
            cwd="/",
            bufsize=0,
        )
        gateway = cls(process)
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps({"pid": of, "uid": uid, "rules": rules.dump()}).encode() + b"\n")
        if not select.select([process.stdout], [], [], START_SECONDS)[0] or process.stdout.read(1) != b"r":
            gateway.close()
            raise SandboxError("The job's way to the network could not be opened.")
        return gateway

    def close(self) -> None:
        self._process.kill()
        self._process.wait(GONE_SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def _packages() -> str:
    own = str(Path(equinode_agent.__file__).parent.parent)
    return os.pathsep.join([own, *filter(None, [os.environ.get("PYTHONPATH")])])
