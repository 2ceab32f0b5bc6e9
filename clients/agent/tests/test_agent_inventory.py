"""What a machine says about itself, and every sample of what machines of this field print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from equinode_agent import cli, inventory
from equinode_agent.errors import Refused, SiteAway
from equinode_agent.inventory import accelerators, disks, machine, memory, nvidia, nvml, outputs, processors
from equinode_agent.inventory.reading import Unreadable, size
from equinode_agent.inventory.telling import LOOK_EVERY, TRY_AGAIN, Teller

GIB, MIB = 1 << 30, 1 << 20
ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT.parent / "shared/data/inventory"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of inventories are not here")


def sample(path: str) -> bytes:
    return (SAMPLES / path).read_bytes()


# --- every sample -----------------------------------------------------------------------------------
# Read by the agent: all others are no machine's own words (Slurm's, another project's) or for people.
READ = ("nvidia_smi_xml/*.xml", "nvidia_smi_captures/*__q.txt", "nvidia_smi_captures/*list.txt",
        "nvidia_smi_captures/*.csv", "lscpu/*.txt", "dmidecode/*", "misc/*")  # fmt: skip
REFUSED = ("nvidia_smi_captures/*table.txt", "nvidia_smi_captures/*topo.txt", "slurm_nodes/*",
           "grid5000_nodes/*.json", "*.csv", "*.conf")  # fmt: skip


@with_samples
def test_every_sample_is_read_or_refused_with_a_sentence() -> None:
    read = {path: outputs.read(path.read_bytes()) for pattern in READ for path in SAMPLES.glob(pattern)}
    refused = {path for pattern in REFUSED for path in SAMPLES.glob(pattern)}
    assert read.keys() | refused == {path for path in SAMPLES.rglob("*") if path.is_file()}
    assert all(found for found in read.values())
    for path in sorted(refused):
        with pytest.raises(Unreadable, match=r"\A[A-Z].+[.]\Z"):
            outputs.read(path.read_bytes())


@with_samples
@pytest.mark.parametrize(
    ("file", "name", "memory", "watts"),
    [
        ("a10g.xml", "NVIDIA A10G", 23028 * MIB, 300.0),
        ("gtx-1070-ti.xml", "GeForce GTX 1070 Ti", 4096 * MIB, None),
        ("rtx-3080-v13.xml", "NVIDIA GeForce RTX 3080", 10240 * MIB, 320.0),
        ("tesla-t4.xml", "Tesla T4", 15360 * MIB, 70.0),
    ],
)
def test_drivers_old_and_new_are_read(file: str, name: str, memory: int, watts: float | None) -> None:
    (gpu,) = nvidia.read_xml(sample(f"nvidia_smi_xml/{file}"))
    assert (gpu["name"], gpu["memory_bytes"], gpu["power_limit_watts"]) == (name, memory, watts)
    assert gpu["uuid"].startswith("GPU-")
    assert gpu["mig"] is None


H100_MIG = "nvidia_smi_captures/linux-x86_64__nvidia-h100-mig__590.48.01__"


@with_samples
def test_the_instances_of_a_parted_gpu_have_their_memory_their_profile_and_their_uuid() -> None:
    gpus = nvidia.with_instances(
        nvidia.read_query(sample(f"{H100_MIG}idle__q.txt").decode()),
        nvidia.read_list(sample(f"{H100_MIG}capabilities__list.txt").decode()),
    )
    (gpu,) = gpus
    assert (gpu["name"], gpu["memory_bytes"]) == ("NVIDIA H100 80GB HBM3", 81559 * MIB)
    assert (gpu["driver"], gpu["minor"], gpu["power_limit_watts"]) == ("590.48.01", 0, 700.0)
    found = gpu["mig"]["instances"]
    assert gpu["mig"]["enabled"]
    assert [(one["name"], one["memory_bytes"] // MIB, one["uuid"][:12]) for one in found] == [
        ("3g.40gb", 40448, "MIG-00000000"),
        ("2g.20gb", 20096, "MIG-00000001"),
        ("1g.10gb", 9984, "MIG-00000002"),
        ("1g.10gb", 9984, "MIG-00000003"),
    ]


@with_samples
@pytest.mark.parametrize("kind", ["h100-80gb-hbm3__590.48.01", "l40s__595.80"])
def test_lines_and_table_of_nvidia_smi_say_the_same(kind: str) -> None:
    (lines,) = nvidia.read_query(
        sample(f"nvidia_smi_captures/linux-x86_64__nvidia-{kind}__idle__q.txt").decode()
    )
    (row,) = nvidia.read_csv(
        sample(f"nvidia_smi_captures/linux-x86_64__nvidia-{kind}__idle__query-gpu.csv").decode()
    )
    same = ("index", "uuid", "name", "memory_bytes", "driver", "power_limit_watts", "mig")
    assert {name: lines[name] for name in same} == {name: row[name] for name in same}


@with_samples
@pytest.mark.parametrize(
    ("file", "model", "cores", "threads"),
    [
        ("lscpu-arm-A510-A710-A715-X3", "Cortex-A510 + Cortex-A710 + Cortex-A715 + Cortex-X3", 8, 8),
        ("lscpu-rv64-milkvpioneer", "0x5b7", 64, 64),  # its model name is a dash
        ("lscpu-rv64-linux", "sifive,u74-mc", 1, 2),
        ("lscpu-sparc64", "TI UltraSparc II  (BlackBird)", 6, 6),
        ("lscpu-x86_64-64cpu-linux6.2", "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", 4, 8),
    ],
)
def test_lscpu_is_read_on_every_architecture(file: str, model: str, cores: int, threads: int) -> None:
    told = processors.read_lscpu(sample(f"lscpu/{file}.txt").decode())
    assert (told["model"], told["cores"], told["threads"]) == (model, cores, threads)


@with_samples
def test_a_hypervisor_that_tells_sixteen_sockets_of_48_threads_is_not_taken_at_its_word() -> None:
    found = outputs.read(sample("misc/sensetime_v100_node_environment.txt"))
    assert found["cpu"]["model"] == "Intel(R) Xeon(R) Gold 6146 CPU @ 3.20GHz"
    assert (found["cpu"]["cores"], found["cpu"]["threads"]) == (24, 48)
    assert found["memory_bytes"] == 394677048 * 1024


@with_samples
def test_dmidecode_tells_the_machine_and_its_modules() -> None:
    found = outputs.read(sample("dmidecode/HP_BL460c_Gen10.txt"))["machine"]
    assert (found["vendor"], found["model"]) == ("HPE", "ProLiant BL460c Gen10")
    assert found["memory_bytes"] == 64 * GIB
    assert outputs.read(sample("dmidecode/nvme.json"))["disks"][0]["bytes"] == 1024209543168


# --- readers on what is not as it should be ----------------------------------------------------------
CPUINFO = """\
processor\t: 0
model name\t: EPYC 9334
physical id\t: 0
core id\t\t: 0

processor\t: 1
model name\t: EPYC 9334
physical id\t: 0
core id\t\t: 0

processor\t: 2
model name\t: EPYC 9334
physical id\t: 1
core id\t\t: 0
"""
# The elements of `nvidia-smi -q -x` that are read, as drivers 515 and 550 write them.
SMI = b"""<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log><driver_version>550.54.15</driver_version><attached_gpus>2</attached_gpus>
<gpu id="00000000:17:00.0"><product_name>NVIDIA H100 80GB HBM3</product_name><uuid>GPU-a</uuid>
<mig_mode><current_mig>Enabled</current_mig></mig_mode>
<mig_devices><mig_device><index>0</index>
<fb_memory_usage><total>9984 MiB</total></fb_memory_usage></mig_device></mig_devices>
<minor_number>1</minor_number>
<fb_memory_usage><total>81559 MiB</total></fb_memory_usage>
<gpu_power_readings><current_power_limit>700.00 W</current_power_limit></gpu_power_readings></gpu>
<gpu id="00000000:65:00.0"><product_name>NVIDIA A10G</product_name><uuid>GPU-b</uuid>
<mig_mode><current_mig>N/A</current_mig></mig_mode><minor_number>0</minor_number>
<fb_memory_usage><total>23028 MiB</total></fb_memory_usage>
<power_readings><power_limit>300.00 W</power_limit></power_readings></gpu></nvidia_smi_log>"""
LISTED = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-a)
  MIG 1g.10gb     Device  0: (UUID: MIG-c)
GPU 1: NVIDIA A10G (UUID: GPU-b)
"""


def test_cores_are_counted_once_for_their_threads() -> None:
    told = processors.read_cpuinfo(CPUINFO)
    assert told == {"model": "EPYC 9334", "sockets": 2, "cores": 2, "threads": 3}


def test_gpus_are_read_from_nvidia_smi() -> None:
    gpus = nvidia.with_instances(nvidia.read_xml(SMI), nvidia.read_list(LISTED))
    assert gpus[0] == {
        "index": 0, "uuid": "GPU-a", "name": "NVIDIA H100 80GB HBM3", "memory_bytes": 81559 * MIB,
        "driver": "550.54.15", "minor": 1, "pci": "00000000:17:00.0", "power_limit_watts": 700.0,
        "mig": {"enabled": True, "instances": [
            {"index": 0, "uuid": "MIG-c", "name": "1g.10gb", "memory_bytes": 9984 * MIB}]},
    }  # fmt: skip
    assert (gpus[1]["name"], gpus[1]["minor"], gpus[1]["mig"]) == ("NVIDIA A10G", 0, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "No program that we know wrote this"),
        (b"\xff\x00", "No program that we know"),
        (b"<nvidia_smi_log><gpu>", "is no XML"),
        (b"<nvidia_smi_log><gpu><uuid>GPU-a</uuid></gpu></nvidia_smi_log>", "no name or no UUID of GPU 0"),
        (b"<nvidia_smi_log>" + b"<gpu/>" * 65 + b"</nvidia_smi_log>", "65 GPUs; 64 is the most"),
        (b"GPU 0: none\n", "“GPU 0: none” names no GPU"),
        (b"index, name, uuid\n0, H100\n", "more or fewer columns"),
        (b"CPU(s): many", "no line “CPU(s)” with their number"),
        (b"CPU(s): 3\nThread(s) per core: 2\n", "3 CPUs and 2 threads per core"),
        (b"MemTotal: lots kB", "no line “MemTotal”"),
        (b"Handle 0x0001, DMI type 4, 26 bytes\n", "no “System Information”"),
        (b'{"Devices": 5}', "lists no devices"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(said)):
        outputs.read(content)


def test_an_output_without_end_is_not_read() -> None:
    with pytest.raises(Unreadable, match="larger than"):
        outputs.read(b"x" * (outputs.MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("81559 MiB", 81559 * MIB), ("15.8G", int(15.8 * GIB)), ("16384 MB", 16 * GIB), ("N/A", None),
     ("", None), ("12 parsecs", None), ("-1 MiB", None), ("9" * 30 + " MiB", None)],
)  # fmt: skip
def test_sizes_have_units_or_are_not_told(text: str, bytes_: int | None) -> None:
    assert size(text) == bytes_


# --- NVML -------------------------------------------------------------------------------------------
class NVMLError(Exception):
    """As the library's own."""


class Library:
    """Answers as nvidia-ml-py does for a parted H100 and an old card that does not know everything."""

    NVMLError = NVMLError

    def __init__(self, *, broken: str = "") -> None:
        self.broken, self.open = broken, 0

    def nvmlInit(self) -> None:
        if self.broken == "init":
            raise NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"590.48.01"

    def nvmlDeviceGetCount(self) -> int:
        if self.broken == "count":
            raise NVMLError("GPU is lost")
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        return ("h100", "old")[index]

    def nvmlDeviceGetUUID(self, handle: str) -> str:
        return {"h100": "GPU-a", "old": "GPU-b", "instance": "MIG-c"}[handle]

    def nvmlDeviceGetName(self, handle: str) -> bytes:
        return {"h100": b"NVIDIA H100", "old": b"K20", "instance": b"NVIDIA H100 MIG 1g.10gb"}[handle]

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:
        return SimpleNamespace(total=9984 * MIB if handle == "instance" else 81559 * MIB)

    def nvmlDeviceGetMinorNumber(self, handle: str) -> int:
        return self._known(handle, 3)

    def nvmlDeviceGetPciInfo(self, handle: str) -> SimpleNamespace:
        return self._known(handle, SimpleNamespace(busId=b"00000000:17:00.0"))

    def nvmlDeviceGetPowerManagementLimit(self, handle: str) -> int:
        return self._known(handle, 700_000)

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:
        return self._known(handle, [1, 1])

    def nvmlDeviceGetMaxMigDeviceCount(self, _handle: str) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _handle: str, index: int) -> str:
        if index != 2:  # places without an instance
            raise NVMLError("Not Found")
        return "instance"

    @staticmethod
    def _known(handle: str, answer: Any) -> Any:
        if handle == "old":
            raise NVMLError("Not Supported")
        return answer


def test_nvml_tells_gpus_and_instances_and_what_it_does_not_know() -> None:
    library = Library()
    parted, old = nvml.read(library)
    assert parted == {
        "index": 0, "uuid": "GPU-a", "name": "NVIDIA H100", "memory_bytes": 81559 * MIB,
        "driver": "590.48.01", "minor": 3, "pci": "00000000:17:00.0", "power_limit_watts": 700.0,
        "mig": {"enabled": True, "instances": [
            {"index": 0, "uuid": "MIG-c", "name": "1g.10gb", "memory_bytes": 9984 * MIB}]},
    }  # fmt: skip
    assert old["name"] == "K20"
    assert {old[name] for name in ("minor", "pci", "power_limit_watts", "mig")} == {None}
    assert library.open == 0


@pytest.mark.parametrize("broken", ["init", "count"])
def test_nvml_that_does_not_answer_is_said_and_nvidia_smi_is_asked(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvml, "library", lambda: Library(broken=broken))
    monkeypatch.setattr(accelerators.shutil, "which", lambda _name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(accelerators, "_said", lambda command: LISTED.encode() if "-L" in command else SMI)
    found = accelerators.detect()
    assert found.told_by == "nvidia-smi"
    assert found.gpus[0]["mig"]["instances"][0]["uuid"] == "MIG-c"
    assert len(found.faults) == 1
    assert "NVML does" in found.faults[0]


def test_gpus_that_nobody_can_tell_are_not_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A driver that hangs would otherwise look like a machine without GPUs."""
    loaded = tmp_path / "version"
    loaded.write_text("NVRM version")
    monkeypatch.setattr(accelerators, "NVIDIA_DRIVER", loaded)
    monkeypatch.setattr(nvml, "library", lambda: None)
    monkeypatch.setattr(accelerators.shutil, "which", lambda _name: None)
    told = inventory.collect()
    assert told["gpus"] is None
    assert told["faults"] == ["An NVIDIA driver is loaded, and neither NVML nor nvidia-smi is there to ask."]


# --- this machine -----------------------------------------------------------------------------------
def test_disks_are_the_real_ones(tmp_path: Path) -> None:
    for name, sectors in (("nvme0n1", "2000409264"), ("loop0", "8"), ("sda", "0")):
        (tmp_path / name / "queue").mkdir(parents=True)
        (tmp_path / name / "size").write_text(sectors)
        (tmp_path / name / "queue/rotational").write_text("0")
    assert [(one["name"], one["bytes"]) for one in disks.detect(tmp_path)] == [("nvme0n1", 1024209543168)]


def test_a_machine_without_firmware_tables_has_no_maker(tmp_path: Path) -> None:
    assert machine.detect(tmp_path) is None
    (tmp_path / "sys_vendor").write_text("HPE\n")
    assert machine.detect(tmp_path) == {"vendor": "HPE", "model": None}


def test_this_machine_follows_the_published_profile() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs/schemas/node-profile.json").read_text())
    told = json.loads(json.dumps(inventory.collect()))
    jsonschema.validate(told, schema, cls=jsonschema.Draft202012Validator)
    assert told["memory_bytes"] == memory.read_meminfo(Path("/proc/meminfo").read_text())
    assert inventory.digest(told) == inventory.digest(dict(reversed(told.items())))


# --- telling the site -------------------------------------------------------------------------------
class Line:
    """Takes what is posted, or raises what it is given."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers, self.told = list(answers), []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.told.append((path, body["inventory"]["gpus"]))
        return {}


def test_what_changed_is_told_and_what_did_not_is_not() -> None:
    found = {"gpus": ["GPU-a"]}
    line = Line()
    teller = Teller(line, collect=lambda: dict(found))
    assert [teller.tell(), teller.tell()] == [True, False]
    found["gpus"] = []
    assert teller.tell()
    assert line.told == [("inventory", ["GPU-a"]), ("inventory", [])]


@pytest.mark.parametrize(
    "answer", [SiteAway("No answer."), Refused("No such call.", status=404, code="", details={})]
)
def test_a_site_that_did_not_take_it_is_told_again(answer: Exception) -> None:
    line = Line(answer)
    teller = Teller(line, collect=lambda: {"gpus": []})
    assert not teller.tell()
    # A site that does not know the call is asked less often.
    assert teller.pause == (LOOK_EVERY if isinstance(answer, Refused) else TRY_AGAIN)
    assert teller.tell()
    assert len(line.told) == 1


def test_a_machine_that_cannot_be_read_does_not_end_the_agent() -> None:
    def collect() -> dict[str, Any]:
        raise OSError("a disk that is gone")

    assert not Teller(Line(), collect=collect).tell()


def test_files_from_elsewhere_are_read_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "smi.xml").write_bytes(SMI)
    (tmp_path / "cpus").write_text(CPUINFO)
    assert cli.main(["inventory", "--read", str(tmp_path / "smi.xml"), str(tmp_path / "cpus")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert ([gpu["uuid"] for gpu in told["gpus"]], told["cpu"]["cores"]) == (["GPU-a", "GPU-b"], 2)
    (tmp_path / "cpus").write_text("nothing")
    assert cli.main(["inventory", "--read", str(tmp_path / "cpus")]) == 1
    assert "No program that we know wrote this" in capsys.readouterr().err
