"""podman or docker as programs: what is asked of them, and how each wants to be asked."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinode_agent import clock, disk
from equinode_agent.errors import LeaseRejected, SandboxError
from equinode_agent.notes import Note, note
from equinode_agent.runners import shelf
from equinode_agent.runners.images import Image
from equinode_agent.runners.pull import Pull

NAMES = ("podman", "docker")
LABEL = "equinode.agent"
ASK_SECONDS = 60.0
# What registries say of a name that they have not got, or not for everybody.
OF_THE_NAME = (
    "manifest unknown",
    "name unknown",
    "repository does not exist",
    "resource is denied",
    "denied: ",
    "unauthorized",
    "statuscode: 404",
)
# Lines and columns: enough for what is drawn about one layer, and for all layers of an image.
TERMINAL = (200, 200)
# Which engines this agent ever used, so that after a crash only those are asked what is left.
USED_FILE = "engines.json"


@dataclass(frozen=True)
class Engine:
    name: str
    program: str
    # An empty folder: neither the owner's registry passwords nor proxies are a job's.
    settings: Path

    @classmethod
    def find(cls, name: str, *, state: Path) -> Engine:
        """The engine, if it is here; LeaseRejected if not.

        docker's containers are root's unless root says otherwise: who is not root could not end them.
        """
        may = name in NAMES and (name != "docker" or os.geteuid() == 0)
        program = shutil.which(name) if may else None
        if program is None:
            raise LeaseRejected(note("no_runner", runner=name))
        settings = state / "engine"
        settings.mkdir(mode=0o700, exist_ok=True)
        if not (settings / "auth.json").exists():
            disk.write_json(settings / "auth.json", {"auths": {}}, durable=False)
        _remember(state, name)
        return cls(name, program, settings)

    @property
    def is_podman(self) -> bool:
        return self.name == "podman"

    def command(self, *arguments: str) -> list[str]:
        if self.is_podman:
            return [self.program, *arguments]
        return [self.program, "--config", str(self.settings), *arguments]

    def ask(self, *arguments: str, seconds: float = ASK_SECONDS) -> str:
        """What it prints; SandboxError, with its own words, if it says no."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                cwd="/",
            )
        except subprocess.TimeoutExpired as exc:
            raise SandboxError(f"{self.name} {arguments[0]} took longer than {seconds:.0f} s.") from exc
        if done.returncode != 0:
            raise SandboxError(f"{self.name} {arguments[0]}: {_last_line(done.stderr)}")
        return done.stdout

    # --- images -------------------------------------------------------------
    def image(self, image: Image) -> Mapping[str, Any] | None:
        """What the engine knows of an image it has; None if it has not got it."""
        try:
            found = json.loads(self.ask("image", "inspect", str(image)))[0]
        except SandboxError:
            return None
        return dict(found)

    def fetch(
        self,
        image: Image,
        *,
        tell: Callable[[str], None],
        until: float,
        is_stopped: Callable[[], bool],
        most_bytes: int | None = None,
    ) -> Mapping[str, Any]:
        """The image, fetched if it is not here. The engine checks its digest; it is looked at again."""
        found = self.image(image)
        is_new = found is None
        if is_new:
            began = clock.now()
            tell(f"Fetching {image}")
            self._pull(Pull(image, tell, until, is_stopped, self._store(), most_bytes))
            found = self.image(image)
            tell(f"Fetched in {clock.now() - began:.1f} s")
            shelf.put(self.settings.parent, self.name, str(image), _size(found))
        else:
            shelf.used(self.settings.parent, self.name, str(image))
        digests = [] if found is None else [found.get("Digest"), *_digests(found.get("RepoDigests"))]
        if found is None or image.digest not in digests:
            raise LeaseRejected(note("image_digest", image=str(image)))
        # One that its owner put here takes nothing that its owner did not give.
        if is_new and most_bytes is not None and _size(found) > most_bytes:
            self.drop_image(str(image))
            raise LeaseRejected(note("image_size", image=str(image), limit=most_bytes))
        return found

    def drop_image(self, image: str) -> bool:
        """Whether it is gone; the engine keeps one that a container still uses."""
        with contextlib.suppress(SandboxError):
            self.ask("image", "rm", image)
            return True
        return self.image(Image.read(image)) is None

    def make_room(self, most_bytes: int) -> None:
        """Remove images that were fetched for jobs, of whichever engine, until no more than this is kept."""
        state = self.settings.parent

        def drop(name: str, image: str) -> bool:
            return Engine.find(name, state=state).drop_image(image)

        with contextlib.suppress(LeaseRejected, SandboxError):
            shelf.make_room(state, most_bytes, drop=drop)

    def _store(self) -> Path:
        """Where the engine keeps images."""
        what = "{{.Store.GraphRoot}}" if self.is_podman else "{{.DockerRootDir}}"
        return Path(self.ask("info", "--format", what).strip())

    def _pull(self, pull: Pull) -> None:
        # On a terminal, since only there engines draw how far they are.
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *TERMINAL, 0, 0))
        try:
            process = subprocess.Popen(
                self.command("pull", *self._own_passwords, str(pull.image)),
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                env={**os.environ, "TERM": "xterm"},
                cwd="/",
                start_new_session=True,
            )
            os.close(theirs)
            theirs = -1
            try:
                said = pull.follow(process, ours)
            finally:
                process.kill()
                code = process.wait()
        finally:
            os.close(ours)
            if theirs >= 0:
                os.close(theirs)
        if code != 0:
            raise LeaseRejected(_why_not(said, image=str(pull.image)))

    @property
    def _own_passwords(self) -> list[str]:
        return ["--authfile", str(self.settings / "auth.json")] if self.is_podman else []

    # --- containers -----------------------------------------------------------
    def container(self, name: str) -> Mapping[str, Any]:
        return dict(json.loads(self.ask("container", "inspect", name))[0])

    def remove(self, name: str) -> None:
        """Kill it if it runs, and forget it; nothing if it is not there."""
        try:
            self.ask("rm", "--force", "--volumes", name)
        except SandboxError:
            if name in self.ask("ps", "--all", "--filter", f"name={name}", "--format", "{{.Names}}").split():
                raise

    def sweep(self, owner: str) -> None:
        left = self.ask("ps", "--all", "--quiet", "--filter", f"label={LABEL}={owner}").split()
        if left:
            self.ask("rm", "--force", "--volumes", *left)


def sweep(state: Path, owner: str) -> None:
    """Remove the containers that this agent left when it was killed."""
    for name in _used(state):
        with contextlib.suppress(LeaseRejected, SandboxError):
            Engine.find(name, state=state).sweep(owner)


def _used(state: Path) -> list[str]:
    try:
        return [name for name in json.loads((state / USED_FILE).read_text()) if name in NAMES]
    except (OSError, ValueError):
        return []


def _remember(state: Path, name: str) -> None:
    used = _used(state)
    if name not in used:
        disk.write_json(state / USED_FILE, [*used, name])


def _why_not(said: str, *, image: str) -> Note:
    """What a registry says of the name is about the name; all else is about this machine or the way there."""
    lower = said.lower()
    if "digest did not match" in lower or "does not match" in lower:
        return note("image_digest", image=image)
    is_of_the_name = any(word in lower for word in OF_THE_NAME)
    return note("no_image" if is_of_the_name else "image_unfetched", image=image, error=_last_line(said))


def _size(found: Mapping[str, Any] | None) -> int:
    return int((found or {}).get("Size") or 0)


def _digests(names: Sequence[str] | None) -> list[str]:
    return [name.partition("@")[2] for name in names or ()]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return "".join(c for c in (lines[-1] if lines else "it said nothing") if c.isprintable())[:300]
