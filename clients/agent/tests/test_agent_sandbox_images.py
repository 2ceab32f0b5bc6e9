"""Images: names, digests, how far they have come, and what a container of one is told to be."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import containers
import pytest
from agent_process import AgentProcess, within
from equinode_agent import clock
from equinode_agent.runners import options, shelf
from equinode_agent.runners.container import Container
from equinode_agent.runners.engine import Engine
from equinode_agent.runners.images import PUBLIC, Image
from equinode_agent.runners.progress import Progress
from equinode_agent.sandbox import syscalls
from equinode_agent.sandbox.plan import Plan
from fake_site import MIB, FakeSite
from image_registry import Registry

HOW_FAR = re.compile(r"\[equinode\] ([0-9.]+) of ([0-9.]+) MiB, 1 layers")
# A quarter of what a pipe of Linux holds: its last pages may be half empty.
PIPE_BYTES = 16 << 10
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        (f"docker.io/library/python@{DIGEST}", "docker.io", "library/python"),
        (f"ghcr.io/a/b-c/d_e@{DIGEST}", "ghcr.io", "a/b-c/d_e"),
        (f"localhost:5000/x@{DIGEST}", "localhost:5000", "x"),
        (f"10.0.0.1:5000/x@{DIGEST}", "10.0.0.1:5000", "x"),
    ],
)
def test_an_image_is_a_registry_a_name_and_a_digest(text: str, registry: str, path: str) -> None:
    image = Image.read(text)
    assert (image.registry, image.path, image.digest, str(image)) == (registry, path, DIGEST, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python",
        "python:3.12",
        f"python@{DIGEST}",
        f"library/python@{DIGEST}",
        "docker.io/library/python:3.12",
    ]
    + [
        f"docker.io/library/python@{DIGEST[:-1]}",
        f"docker.io/Library/python@{DIGEST}",
        f"docker.io/../x@{DIGEST}",
    ]
    + [
        f"--privileged@{DIGEST}",
        f"docker.io/x@{DIGEST}\n",
        f"docker.io/x y@{DIGEST}",
        f"docker.io/x:tag@{DIGEST}",
    ],
)
def test_anything_else_is_no_image(text: str) -> None:
    with pytest.raises(ValueError, match="is not registry/name@sha256:digest"):
        Image.read(text)


def test_without_an_owners_word_only_public_registries_are_asked() -> None:
    assert Image.read(f"docker.io/library/python@{DIGEST}").is_covered(PUBLIC)
    assert not Image.read(f"10.0.0.1:5000/x@{DIGEST}").is_covered(PUBLIC)
    assert not Image.read(f"docker.io.evil.example/x@{DIGEST}").is_covered(PUBLIC)
    assert Image.read(f"ghcr.io/me/tool@{DIGEST}").is_covered([f"ghcr.io/me/*@{DIGEST}"])


def test_progress_is_read_from_what_podman_draws() -> None:
    progress = Progress()
    assert progress.sentence() == ""
    progress.take("Copying blob 278952e9022a [=====>----] 512.0KiB / 1.0Mi")
    progress.take("B\r\n\x1b[1A\x1b[JCopying blob 5b6b00aa11ff [>---] 0.0b / 3.0MiB\r\n")
    assert progress.sentence() == "0.5 of 1.0 MiB, 1 layers"
    progress.take("\x1b[1A\x1b[JCopying blob 5b6b00aa11ff [>---] 1.0MiB / 3.0MiB | 2.1 MiB/s\r\n")
    assert progress.sentence() == "1.5 of 4.0 MiB, 2 layers"
    progress.take(
        "Copying blob 278952e9022a done  \r\nCopying blob 5b6b00aa11ff done\r\nWriting manifest\r\n"
    )
    assert (progress.sentence(), progress.came) == ("4.0 of 4.0 MiB, 2 layers", 4 * MIB)


def test_progress_is_read_from_what_docker_draws() -> None:
    progress = Progress()
    progress.take("5b6b00aa11ff: Pulling fs layer \r\n5b6b00aa11ff: Downloading [==>   ]  2.097MB/4.194MB\r")
    progress.take("\x1b[1B\x1b[2K")
    assert progress.sentence() == "2.0 of 4.0 MiB, 1 layers"
    progress.take("5b6b00aa11ff: Download complete \r\n")
    assert progress.sentence() == "2.0 of 4.0 MiB, 1 layers"


# --- what an engine is told ----------------------------------------------------------------------
def _told(tmp_path: Path, name: str, **changes: Any) -> list[str]:
    plan = Plan(
        **{
            "owner": "me", "name": "lease", "script": "true", "environment": {"TOKEN": "hush"},
            "memory_bytes": 64 * MIB, "processes": 32, "disk_bytes": 16 * MIB, "device_files": (), "slot": 0,
            "cpus": 1.5, "gone_at": clock.now() + 100, **changes,
        }
    )  # fmt: skip
    return options.create(
        plan,
        engine=Engine(name, f"/usr/bin/{name}", tmp_path),
        image=Image.read(f"docker.io/library/python@{DIGEST}"),
        about={"Config": {"Volumes": {"/var/lib/data": {}, "/work": {}}}},
        name="equinode-me-lease",
        folder=tmp_path,
        script="echo",
    )


@pytest.mark.parametrize("name", ["podman", "docker"])
def test_a_container_gets_nothing_that_it_does_not_need(tmp_path: Path, name: str) -> None:
    told = " ".join(_told(tmp_path, name))
    for option in ("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--network none"):
        assert option in told
    for option in (f"--memory {64 * MIB}", f"--memory-swap {64 * MIB}", "--pids-limit 33", "--cpus 1.50"):
        assert option in told
    assert "--env NVIDIA_VISIBLE_DEVICES=void" in told
    assert "--pull never" in told
    assert "hush" not in told
    assert "--device" not in told
    assert "--gpus" not in told


def test_docker_gives_an_image_no_volume_that_nobody_counts(tmp_path: Path) -> None:
    assert "--tmpfs /var/lib/data:ro,size=64k --" in " ".join(_told(tmp_path, "docker"))
    assert "--image-volume ignore" in " ".join(_told(tmp_path, "podman"))


def test_only_the_held_gpus_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"gpus": ("GPU-a", "GPU-b"), "device_files": ("/dev/null", "/dev/nvidia-that-is-not-there")}
    assert '--gpus "device=GPU-a,GPU-b" --' in " ".join(_told(tmp_path, "docker", **held))
    monkeypatch.setattr(options, "CDI_FOLDERS", (tmp_path,))
    told = " ".join(_told(tmp_path, "podman", **held))
    assert "--device /dev/null --" in told
    assert "not-there" not in told
    (tmp_path / "nvidia.yaml").write_text("cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n")
    told = " ".join(_told(tmp_path, "podman", **held))
    assert "--device nvidia.com/gpu=GPU-a --device nvidia.com/gpu=GPU-b --" in told


def test_an_owners_folders_are_shown_to_be_read(tmp_path: Path) -> None:
    for name in ("podman", "docker"):
        assert "--volume /srv/data:/srv/data:ro" in " ".join(_told(tmp_path, name, paths=("/srv/data",)))


def test_podman_ends_what_its_agent_cannot_end(tmp_path: Path) -> None:
    told = _told(tmp_path, "podman")
    assert 100 < int(told[told.index("--timeout") + 1]) <= 111
    assert "--timeout" not in _told(tmp_path, "docker")


def test_a_profile_allows_none_of_the_refused_calls() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            {"names": ["read", "bpf", "io_uring_setup"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["keyctl"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["bpf"], "action": "SCMP_ACT_ERRNO"},
        ],
    }
    kept = options.without_refused(profile)
    assert kept["defaultAction"] == "SCMP_ACT_ERRNO"
    assert [rule["names"] for rule in kept["syscalls"]] == [["read"], ["bpf"]]
    assert "bpf" in syscalls.REFUSED


# --- for real ------------------------------------------------------------------------------------
@pytest.fixture
def registry(state: Path) -> Iterator[Registry]:
    if reason := containers.why_none():
        pytest.skip(reason)
    with containers.registry() as found:
        (state / "policy.toml").write_text('images = ["127.0.0.1:*"]')
        yield found


def test_an_image_comes_while_the_log_tells_how_far_it_is(
    site: FakeSite, registry: Registry, agent: AgentProcess
) -> None:
    job = site.payload("echo from the image; cat /proc/1/comm", specification=_podman(registry.image))
    lease = job["lease"]
    told: list[float] = []

    def half_of_it_is_told() -> None:
        with site.changed:
            assert site.changed.wait_for(lambda: HOW_FAR.search(site.log(lease)), 60)
        found = HOW_FAR.search(site.log(lease))
        assert found is not None
        told.append(float(found[1]) / float(found[2]))

    registry.hold_back = half_of_it_is_told
    site.offer(job)
    ended = site.ended(lease, 90)
    assert (ended["reason"], ended["exit_code"]) == ("finished", 0)
    assert 0.2 < told[0] < 0.8
    log = site.log(lease).splitlines()
    assert log[0] == f"[equinode] Fetching {registry.image}"
    assert log[-3].startswith("[equinode] Fetched in ")
    assert log[-2:] == ["from the image", "sh"]
    assert ended["log_bytes"] == len("from the image\nsh\n")


def test_an_image_that_cannot_be_had_is_refused_with_its_reason(
    site: FakeSite, registry: Registry, agent: AgentProcess
) -> None:
    gone = registry.image.replace("/tools/small", "/tools/nothing")
    other = registry.image[:-4] + ("0000" if not registry.image.endswith("0000") else "1111")
    reasons = {
        gone: "no_image",
        gone.replace(registry.address, "127.0.0.1:9"): "image_unfetched",
        other: "image_digest",
        f"docker.io/library/python@{DIGEST}": "owner_image",
        "python:3.12": "image_name",
    }
    for image, code in reasons.items():
        ended = site.ended(site.offer(site.payload("echo never", specification=_podman(image))), 90)
        assert (ended["reason"], [note["code"] for note in ended["notes"]]) == ("refused", [code]), image
        assert image in ended["note"]


def test_a_stop_while_an_image_comes_is_a_stop(
    site: FakeSite, registry: Registry, agent: AgentProcess
) -> None:
    job = site.payload("echo never", specification=_podman(registry.image))
    lease = job["lease"]

    def until_stopped() -> None:
        with site.changed:
            site.leases[lease]["state"] = "staged"  # as far as the site's answers go: it may be told to stop
            site.leases[lease]["stop"] = True
            site.changed.notify_all()
            site.changed.wait_for(lambda: site.leases[lease]["state"] == "ended", 60)

    registry.hold_back = until_stopped
    site.offer(job)
    ended = site.ended(lease, 90)
    assert (ended["reason"], ended["exit_code"]) == ("stopped", None)


def test_nothing_of_an_image_runs_before_its_moment(registry: Registry, tmp_path: Path) -> None:
    """Its /bin/sh is a stranger's: here one that leaves a sign at once."""
    tmp_path.chmod(0o711)
    engine = Engine.find("podman", state=tmp_path)
    plan = Plan("me", "early", "true", {}, 64 * MIB, 64, 16 * MIB, (), 0)
    image = Image.read(registry.named("tools/rude"))
    scratch = Path(tempfile.mkdtemp(prefix="equinode-early-", dir="/var/tmp"))
    scratch.chmod(0o711)
    box = Container(plan, scratch=scratch, engine=engine, image=image, most_kept=0, is_stopped=lambda: False)
    sign = box.folder / "work" / "there"
    try:
        box.stage(lambda _line: None)
        box.build()
        assert engine.container("equinode-me-early")["State"]["Status"] == "initialized"
        assert not sign.exists()
        box.release()
        assert within(60, sign.exists)
        # Nobody reads what it prints: it ends all the same.
        assert within(60, lambda: _waiting_bytes(box.output_fd) >= PIPE_BYTES)
    finally:
        box.close()
        box.wipe()
        scratch.rmdir()


def _waiting_bytes(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_shell_that_knows_no_job_is_watched_as_any_job(
    site: FakeSite, registry: Registry, agent: AgentProcess
) -> None:
    """It prints without end from its first moment, and no word that anybody waits for."""
    lease = site.offer(site.payload("echo never", specification=_podman(registry.named("tools/rude"))))
    site.wait_for(lease, "running", 60)
    assert within(60, lambda: "aaaa" in site.log(lease))
    site.stop(lease)
    assert site.ended(lease, 60)["reason"] == "stopped"


def test_an_image_without_a_shell_is_refused_for_that(
    site: FakeSite, registry: Registry, agent: AgentProcess
) -> None:
    lease = site.offer(site.payload("true", specification=_podman(registry.named("tools/shell-less"))))
    ended = site.ended(lease, 60)
    assert (ended["reason"], [note["code"] for note in ended["notes"]]) == ("refused", ["image_shell"])


def test_images_beyond_what_the_owner_keeps_are_gone_after_the_job(
    site: FakeSite, registry: Registry, agent: AgentProcess, state: Path
) -> None:
    lease = site.offer(site.payload("echo kept", specification=_podman(registry.image)))
    assert site.ended(lease, 60)["exit_code"] == 0
    assert _digests_here() == [registry.image.partition("@")[2]]
    (state / "policy.toml").write_text('images = ["127.0.0.1:*"]\nmax_images_bytes = 0')
    lease = site.offer(site.payload("echo not kept", specification=_podman(registry.image)))
    assert site.ended(lease, 60)["exit_code"] == 0
    assert "Fetching" not in site.log(lease)
    assert _digests_here() == []


def test_an_image_that_its_owner_put_there_is_never_removed(registry: Registry, tmp_path: Path) -> None:
    subprocess.run(["podman", "pull", "--quiet", registry.image], check=True, capture_output=True)
    engine = Engine.find("podman", state=tmp_path)
    found = engine.fetch(
        Image.read(registry.image), tell=print, until=float("inf"), is_stopped=lambda: False, most_bytes=1000
    )
    engine.make_room(0)
    assert found["Size"] > 1000
    assert _digests_here() == [registry.image.partition("@")[2]]


def test_an_image_that_a_lease_waits_for_stays(tmp_path: Path) -> None:
    gone: list[str] = []
    shelf.put(tmp_path, "podman", "a", 60)
    shelf.put(tmp_path, "podman", "b", 60)
    shelf.pin("podman", "a")
    try:
        shelf.make_room(tmp_path, 0, drop=lambda _engine, image: not gone.append(image))
    finally:
        shelf.unpin("podman", "a")
    assert gone == ["b"]
    shelf.make_room(tmp_path, 0, drop=lambda _engine, image: not gone.append(image))
    assert gone == ["b", "a"]


DOCKER = """#!/bin/sh
[ "$1" = --config ] && shift 2
[ "$1" = info ] && { echo /var/tmp; exit; }
exec podman "$@"
"""


def test_a_short_job_of_an_engine_that_prepares_nothing_ends_as_it_ended(
    site: FakeSite, registry: Registry, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker has no `init`: its first process may be gone before it is asked for. Here podman plays it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    agent = AgentProcess(state)
    try:
        agent.wait_until_it_serves()
        for script, code in (("exit 3", 3), ("echo said; sleep 1; exit 4", 4)):
            job = site.payload(script, specification={"runner": "docker", "image": registry.image})
            ended = site.ended(site.offer(job), 60)
            assert (ended["reason"], ended["exit_code"]) == ("finished", code)
    finally:
        agent.stop()


def test_an_image_larger_than_the_owner_allows_is_refused_and_not_kept(
    site: FakeSite, registry: Registry, agent: AgentProcess, state: Path
) -> None:
    (state / "policy.toml").write_text('images = ["127.0.0.1:*"]\nmax_image_bytes = 1000')
    lease = site.offer(site.payload("echo never", specification=_podman(registry.image)))
    ended = site.ended(lease, 60)
    assert (ended["reason"], [note["code"] for note in ended["notes"]]) == ("refused", ["image_size"])
    assert _digests_here() == []


def _digests_here() -> list[str]:
    """Of what podman keeps, in the store of these tests."""
    told = subprocess.run(
        ["podman", "images", "--digests", "--format", "{{.Digest}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.split()


def _podman(image: str) -> dict[str, Any]:
    return {"runner": "podman", "image": image}
