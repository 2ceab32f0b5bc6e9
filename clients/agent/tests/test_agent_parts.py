"""The pure parts: leases, logs, owner's hours, what machines say about themselves."""

from __future__ import annotations

import os
import resource
import signal
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from equinode_agent import disk, gpus, outputs, policy
from equinode_agent.clock import Moment
from equinode_agent.errors import LeaseRejected, StateError
from equinode_agent.inventory import nvidia
from equinode_agent.journal import Journal, LeaseRecord
from equinode_agent.lease import SignedLease, specification_of
from equinode_agent.logs import LARGEST_CHUNK, LogBook
from equinode_agent.sandbox import cgroups, quota
from equinode_agent.sandbox.box import Sandbox, Use
from equinode_agent.sandbox.plan import Plan
from fake_site import FakeSite


def test_no_more_files_come_back_than_the_site_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for number in range(5):
        (work / f"{number}.txt").write_text("x")
    monkeypatch.setattr(outputs, "MOST_FILES", 3)
    harvest = outputs.collect(work, ["*"], into=tmp_path / "files", limit=10)
    assert [file["name"] for file in harvest.files] == ["0.txt", "1.txt", "2.txt"]
    assert [str(note) for note in harvest.notes] == ["Not brought back: 3.txt, 4.txt."]


def test_names_that_could_deceive_stay(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a\nb").write_text("x")
    (work / "back\\slash").write_text("x")
    harvest = outputs.collect(work, ["*"], into=tmp_path / "files", limit=10)
    assert harvest.files == []
    assert len(harvest.left_out) == 2


# --- the log --------------------------------------------------------------------------
class Kept:
    def __init__(self) -> None:
        self.chunks: list[tuple[int, str]] = []
        self.is_full = False

    def __call__(self, seq: int, text: str) -> bool:
        if not self.is_full:
            self.chunks.append((seq, text))
        return not self.is_full


def test_a_character_cut_in_two_reads_arrives_whole() -> None:
    kept = Kept()
    book = LogBook(1000, kept)
    for byte in "é€".encode():
        book.take(bytes([byte]), 0.0)
        book.flush()
    book.flush(final=True)
    assert "".join(text for _, text in kept.chunks) == "é€"


def test_chunks_are_numbered_from_one_and_bounded() -> None:
    kept = Kept()
    book = LogBook(10**6, kept)
    book.take(b"x" * (LARGEST_CHUNK * 2 + 5), 0.0)
    book.flush(final=True)
    assert [seq for seq, _ in kept.chunks] == [1, 2, 3]
    assert max(len(text) for _, text in kept.chunks) == LARGEST_CHUNK


def test_output_waits_a_moment_for_more() -> None:
    book = LogBook(100, Kept())
    book.take(b"x", now=10.0)
    assert not book.due(10.1)
    assert book.due(10.2)


def test_a_log_as_long_as_its_limit_is_whole() -> None:
    book = LogBook(3, Kept())
    book.take(b"abc", 0.0)
    book.flush()
    assert not book.is_truncated
    book.take(b"d", 0.0)
    assert book.is_truncated


def test_what_a_full_disk_swallows_leaves_no_gap_in_the_numbers() -> None:
    kept = Kept()
    book = LogBook(100, kept)
    for text in (b"one", b"two", b"three"):
        kept.is_full = text == b"two"
        book.take(text, 0.0)
        book.flush()
    assert kept.chunks == [(1, "one"), (2, "three")]
    assert book.is_truncated


def test_half_a_line_of_the_log_is_taken_back(tmp_path: Path, site: FakeSite) -> None:
    payload = site.payload()
    signed = SignedLease.load(site.sign(payload))
    lease = signed.verified(site_key=site.site_key, node=site.node)
    record = Journal(tmp_path).accept(lease, signed=signed, received=Moment.take())
    assert record.append_log(1, "one")
    kept = (record.folder / "log.ndjson").stat().st_size
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kept + 20, usual[1]))
    try:
        assert not record.append_log(2, "two" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, handler)
    assert record.append_log(2, "two again")
    assert [chunk["text"] for chunk, _ in record.log_after(0)] == ["one", "two again"]


def test_a_lease_a_full_disk_kept_out_is_taken_when_offered_again(
    tmp_path: Path, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = SignedLease.load(site.sign(site.payload()))
    lease = signed.verified(site_key=site.site_key, node=site.node)
    journal = Journal(tmp_path)
    monkeypatch.setattr(LeaseRecord, "_save", _disk_is_full)
    with pytest.raises(OSError, match="full"):
        journal.accept(lease, signed=signed, received=Moment.take())
    monkeypatch.undo()
    assert not journal.knows(lease.lease)
    assert lease.fence > journal.fence_seen(lease.reference)
    journal.accept(lease, signed=signed, received=Moment.take())
    assert journal.knows(lease.lease)


def _disk_is_full(*_: object, **__: object) -> None:
    raise OSError(28, "full")


# --- leases ---------------------------------------------------------------------------
def test_a_lease_cannot_name_a_folder_of_its_own_choice(site: FakeSite) -> None:
    signed = site.sign(site.payload() | {"lease": "../../etc"})
    with pytest.raises(LeaseRejected, match="protocol"):
        SignedLease.load(signed).verified(site_key=site.site_key, node=site.node)


@pytest.mark.parametrize("member", ["fence", "devices", "specification", "starts_in", "reference"])
def test_a_lease_lacking_something_is_not_guessed_at(site: FakeSite, member: str) -> None:
    payload = site.payload()
    del payload[member]
    with pytest.raises(LeaseRejected):
        SignedLease.load(site.sign(payload)).verified(site_key=site.site_key, node=site.node)


@pytest.mark.parametrize("limits", [{"memory_bytes": 0}, {"memory_bytes": None}, {"processes": "many"}])
def test_limits_must_be_limits(site: FakeSite, limits: dict[str, object]) -> None:
    signed = SignedLease.load(site.sign(site.payload(limits=limits)))
    with pytest.raises(LeaseRejected):
        specification_of(signed.verified(site_key=site.site_key, node=site.node))


# --- the owner's rules -------------------------------------------------------------------
def _rules(tmp_path: Path, text: str) -> policy.Policy:
    (tmp_path / "policy.toml").write_text(text)
    return policy.load(tmp_path)


NIGHTS = """
time_zone = "Europe/Paris"
[hours]
saturday = ["20:00-24:00"]
sunday = ["00:00-06:00"]
"""


@pytest.mark.parametrize(
    ("start", "hours", "allowed"),
    [
        ("2026-03-28T19:00", 1.0, True),  # Saturday 20:00 in Paris
        ("2026-03-28T18:59", 1.0, False),
        ("2026-03-28T22:30", 1.0, True),  # across midnight
        ("2026-03-29T03:00", 1.0, True),  # until 06:00 in summer time: the clocks went forward at 02:00
        ("2026-03-29T03:00", 1.1, False),
        ("2026-10-24T22:00", 7.0, True),  # in winter time again the same night lasts an hour longer
        ("2026-10-24T22:00", 7.1, False),
    ],
)
def test_hours_are_the_owners_local_time(
    tmp_path: Path, site: FakeSite, start: str, hours: float, allowed: bool
) -> None:
    rules = _rules(tmp_path, NIGHTS)
    lease = SignedLease.load(site.sign(site.payload())).verified(site_key=site.site_key, node=site.node)
    starts = datetime.fromisoformat(start).replace(tzinfo=UTC)
    try:
        rules.require(specification_of(lease), starts=starts, ends=starts + timedelta(hours=hours))
    except LeaseRejected:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize(
    "text",
    ["paused = 1", 'time_zone = "Mars"', '[hours]\nmonday = ["25:00-26:00"]', "[hours]\nlundi = []", "pause"]
    + ['[hours]\nmonday = ["18:00-06:00"]'],
)
def test_rules_with_a_mistake_allow_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(StateError, match="policy.toml"):
        _rules(tmp_path, text)


# --- disk -----------------------------------------------------------------------------------
def test_wiping_removes_links_and_not_what_they_name(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "link").symlink_to(precious)
    disk.wipe(scratch)
    assert not scratch.exists()
    assert (precious / "file").exists()


def test_measuring_follows_no_links_and_counts_holes_for_what_they_take(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert quota.used_bytes([tmp_path]) < 1 << 20


def test_a_tree_too_deep_to_measure_is_told(tmp_path: Path) -> None:
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(quota.DEEPEST + 3):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    with pytest.raises(quota.TooDeep):
        quota.used_bytes([tmp_path])


def test_json_on_disk_is_private_and_whole(tmp_path: Path) -> None:
    disk.write_json(tmp_path / "a.json", {"x": 1})
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


# --- control groups, version 2, on a made-up tree ----------------------------------------------
def test_version_2_limits_are_written_and_read(tmp_path: Path) -> None:
    group = cgroups.CgroupV2(tmp_path, "job", memory_bytes=1000, processes=10)
    folder = tmp_path / "job"
    assert (folder / "memory.max").read_text() == "1000"
    assert (folder / "pids.max").read_text() == "12"
    (folder / "memory.peak").write_text("900\n")
    (folder / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 0\n")
    assert (group.peak_memory(), group.cpu_seconds(), group.ran_out_of_memory()) == (900, 2.5, False)
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 1\n")
    assert group.ran_out_of_memory()
    (folder / "pids.events").write_text("max 0\n")
    assert not group.ran_out_of_processes()
    (folder / "pids.events").write_text("max 7\n")
    assert group.ran_out_of_processes()


def test_a_delegated_version_2_group_moves_the_agent_into_a_leaf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = tmp_path / "system.slice" / "equinode-agent.service"
    unit.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (unit / "cgroup.subtree_control").write_text("")
    (unit / "cgroup.procs").write_text("4242\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "_own_groups", lambda: {"": "/system.slice/equinode-agent.service"})
    group = cgroups.make("me", "x", memory_bytes=1, processes=1)
    assert group is not None
    assert (unit / "agent" / "cgroup.procs").read_text() == "4242"
    assert (unit / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert group.procs_files == [str(unit / "equinode-box-me-x" / "cgroup.procs")]


def test_a_group_that_somebody_removed_is_no_reason_to_fail(tmp_path: Path) -> None:
    group = cgroups.CgroupV2(tmp_path, "job", memory_bytes=1000, processes=10)
    plan = Plan("me", "job", "", {}, 1, 1, 1, (), 0)
    sandbox = Sandbox(plan, scratch=tmp_path, private=tmp_path)
    sandbox._group = group
    assert not sandbox.is_out_of_memory()
    assert sandbox.use() == Use(None, None)


# --- GPUs -----------------------------------------------------------------------------------------
# The elements of `nvidia-smi -q -x` that are read, as drivers 515 and 550 write them.
SMI = b"""<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log><driver_version>550.54.15</driver_version><attached_gpus>2</attached_gpus>
<gpu id="00000000:17:00.0"><product_name>NVIDIA H100 80GB HBM3</product_name><uuid>GPU-a</uuid>
<mig_mode><current_mig>Disabled</current_mig></mig_mode><minor_number>1</minor_number>
<fb_memory_usage><total>81559 MiB</total></fb_memory_usage>
<gpu_power_readings><current_power_limit>700.00 W</current_power_limit></gpu_power_readings></gpu>
<gpu id="00000000:65:00.0"><product_name>NVIDIA A10G</product_name><uuid>GPU-b</uuid>
<mig_mode><current_mig>N/A</current_mig></mig_mode><minor_number>0</minor_number>
<fb_memory_usage><total>23028 MiB</total></fb_memory_usage>
<power_readings><power_limit>300.00 W</power_limit></power_readings></gpu></nvidia_smi_log>"""


def test_a_job_sees_the_device_files_of_its_gpus_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from equinode_agent.lease import Device

    monkeypatch.setattr(gpus, "detect", lambda: nvidia.read_xml(SMI))
    gpus._known.cache_clear()
    held = [Device(index=0, kind="gpu", model="H100")]
    assert gpus.device_files(held)[0] == "/dev/nvidia1"  # by minor number, not by index
    assert "/dev/nvidia0" not in gpus.device_files(held)
    assert gpus.environment(held) == {"CUDA_VISIBLE_DEVICES": "GPU-a"}
    assert gpus.device_files([Device(index=0, kind="host", model="x")]) == ()
    with pytest.raises(LeaseRejected):
        gpus.device_files([Device(index=0, kind="mig", model="1g.10gb")])
    gpus._known.cache_clear()
