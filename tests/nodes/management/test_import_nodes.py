from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from nodes.models import Device, Node, Site
from tests import factories

REAL = Path(__file__).resolve().parents[3].parent / "shared/data/inventory/grid5000_nodes"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real descriptions are not at {REAL}")
pytestmark = pytest.mark.django_db


def described(**changes: Any) -> dict[str, Any]:
    return {
        "type": "node", "uid": "gros-1", "architecture": {"nb_cores": 18},
        "processor": {"model": "Intel Xeon", "version": "Gold 5220"},
        "main_memory": {"ram_size": 103079215104}, "chassis": {"manufacturer": "Dell Inc.", "name": "R640"},
    } | changes  # fmt: skip


def write(folder: Path, name: str = "nancy_gros-1.json", content: str | None = None, **changes: Any) -> None:
    (folder / name).write_text(json.dumps(described(**changes)) if content is None else content)


def run(folder: Path, **options: Any) -> None:
    call_command("import_nodes", folder, format="grid5000", **options)


@real_files
def test_the_58_real_nodes_are_imported_and_a_second_run_changes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(REAL)
    assert Node.objects.count() == 58
    assert "58 nodes: 58 new, 0 changed, 0 unchanged." in capsys.readouterr().out
    assert Device.objects.filter(kind="gpu").count() == 166
    assert set(Site.objects.values_list("slug", "electricity_zone", "country")) == {
        (site, "FR", "FR") for site in ("grenoble", "lyon", "nancy", "nantes", "rennes")
    }
    before = list(Node.objects.values()), list(Device.objects.values())
    run(REAL)
    told = capsys.readouterr().out
    assert "58 nodes: 0 new, 0 changed, 58 unchanged." in told
    assert "Nothing was changed." in told
    assert (list(Node.objects.values()), list(Device.objects.values())) == before


@real_files
@pytest.mark.parametrize(
    ("slug", "cpu", "cores", "devices"),
    [
        ("neowise-1-lyon", "AMD EPYC 7642", 48, [("gpu", "Radeon Instinct MI50 32GB", 32)] * 8),
        ("hydra-1-lyon", "Grace A02 CPU", 72, [("gpu", "GH200", 96)]),
        ("gros-1-nancy", "Intel Xeon Gold 5220", 18, [("host", "Intel Xeon Gold 5220", 96)]),
        ("drac-10-grenoble", "POWER8NVL 1.0", 20, [("gpu", "Tesla P100-SXM2-16GB", 16)] * 4),
        ("sirius-1-lyon", "AMD EPYC 7742", 128, [("gpu", "A100-SXM4-40GB", 40)] * 8),
        # Its only GPU is marked as not given out.
        ("orion-1-lyon", "Intel Xeon E5-2630", 12, [("host", "Intel Xeon E5-2630", 32)]),
    ],
)
def test_real_nodes_of_every_kind_are_read_right(
    slug: str, cpu: str, cores: int, devices: list[tuple[str, str, int]]
) -> None:
    run(REAL)
    node = Node.objects.get(slug=slug)
    assert (node.cpu_model, node.cpu_cores, node.state) == (cpu, cores, "draft")
    found = node.devices.order_by("index")
    assert [(one.kind, one.model, round(one.memory_bytes / 2**30)) for one in found] == devices
    assert [one.index for one in found] == list(range(len(devices)))


@real_files
def test_one_bad_file_among_the_real_ones_imports_nothing(tmp_path: Path) -> None:
    for file in REAL.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write(tmp_path, "nancy_bad-1.json", uid="bad-1", main_memory={})
    with pytest.raises(CommandError, match=r"nancy_bad-1.json: main_memory.ram_size is missing\."):
        run(tmp_path)
    assert not Node.objects.exists()
    assert not Site.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "switch"}, "type is not"),
        ({"uid": "Gros 1"}, "uid is"),
        ({"uid": 7}, "uid is not a text"),
        ({"architecture": {}}, "architecture.nb_cores is missing"),
        ({"architecture": {"nb_cores": 0}}, "architecture.nb_cores is not a whole number"),
        ({"architecture": {"nb_cores": True}}, "architecture.nb_cores is not a whole number"),
        ({"architecture": {"nb_cores": "18"}}, "architecture.nb_cores is not a whole number"),
        ({"architecture": 18}, "architecture.nb_cores is missing"),
        ({"processor": {}}, "processor.model is missing"),
        ({"processor": "Xeon"}, "processor.model is missing"),
        ({"processor": {"model": "x", "version": "y" * 120}}, "processor.version is longer"),
        ({"chassis": {"manufacturer": "\x1b[1m", "name": "x"}}, "chassis.manufacturer is longer"),
        ({"main_memory": {"ram_size": 2**63}}, "main_memory.ram_size is not a whole number"),
        ({"gpu_devices": [1]}, "gpu_devices is not an object"),
        ({"gpu_devices": {"gpu": {}}}, "gpu_devices.gpu is not named"),
        ({"gpu_devices": {"nvidia0": 1}}, "gpu_devices.nvidia0 is not an object"),
        ({"gpu_devices": {"nvidia0": {"memory": 1}}}, "gpu_devices.nvidia0.model is missing"),
        ({"gpu_devices": {"nvidia0": {"model": "A", "memory": -1}}}, "gpu_devices.nvidia0.memory is not"),
        (
            {"gpu_devices": {"nvidia0": {"model": "A", "memory": 1}, "card0": {"model": "A", "memory": 1}}},
            "gpu_devices has two",
        ),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_its_file(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    write(tmp_path, "lyon_good-1.json", uid="good-1")
    write(tmp_path, **changes)
    with pytest.raises(CommandError) as refusal:
        run(tmp_path)
    assert f"nancy_gros-1.json: {field}" in str(refusal.value)
    assert "good-1" not in str(refusal.value)
    assert not Node.objects.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{\n  "type": "node",\n  "uid": \n}', "line 4, column 1 is not JSON"),
        ("", "line 1, column 1 is not JSON"),
        ("[]", "does not hold one JSON object"),
        ('{"a": NaN}', "this is not JSON"),
    ],
)
def test_malformed_json_is_named_with_its_line(tmp_path: Path, content: str, reason: str) -> None:
    write(tmp_path, content=content)
    with pytest.raises(CommandError, match=f"nancy_gros-1.json: .*{reason}"):
        run(tmp_path)


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "nancy_gros-1.json").write_bytes(b'{\n"uid": "\xff"}')
    with pytest.raises(CommandError, match="nancy_gros-1.json: line 2 is not UTF-8"):
        run(tmp_path)


def test_refused_files_may_be_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    write(tmp_path, "nancy_bad-1.json", content="{")
    run(tmp_path, skip_refused=True)
    assert [node.slug for node in Node.objects.all()] == ["gros-1-nancy"]
    assert "Refused: nancy_bad-1.json: line 1" in capsys.readouterr().err


def test_a_mig_instance_is_a_device_of_its_own_kind(tmp_path: Path) -> None:
    gpu = {"model": "A100-SXM4-40GB MIG 1g.5gb", "memory": 5 * 2**30}
    write(tmp_path, gpu_devices={f"nvidia{n}": gpu for n in (10, 2)})
    run(tmp_path)
    assert list(Device.objects.values_list("index", "kind", "model_key")) == [
        (2, "mig", "a100-sxm4-40gb-mig-1g-5gb-5"), (10, "mig", "a100-sxm4-40gb-mig-1g-5gb-5")
    ]  # fmt: skip


def test_a_changed_description_changes_the_node_and_new_devices_are_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu = {"model": "L4", "memory": 24 * 2**30}
    write(tmp_path, gpu_devices={"nvidia0": gpu})
    run(tmp_path)
    write(tmp_path, gpu_devices={"nvidia0": gpu, "nvidia1": gpu}, architecture={"nb_cores": 36})
    run(tmp_path)
    assert "1 nodes: 0 new, 1 changed, 0 unchanged." in capsys.readouterr().out
    assert Node.objects.get().cpu_cores == 36
    assert Device.objects.count() == 2


def test_a_device_that_was_listed_is_not_turned_into_another(tmp_path: Path) -> None:
    write(tmp_path, gpu_devices={"nvidia0": {"model": "L4", "memory": 24 * 2**30}})
    run(tmp_path)
    write(tmp_path, gpu_devices={"nvidia0": {"model": "L40S", "memory": 24 * 2**30}})
    with pytest.raises(CommandError, match="nancy_gros-1.json: Device 0 of gros-1-nancy"):
        run(tmp_path)
    assert Device.objects.get().model == "L4"


def test_owner_site_pue_and_listing_may_be_given(tmp_path: Path) -> None:
    factories.make_organisation(slug="lab")
    write(tmp_path)
    run(tmp_path, owner="lab", site="nancy-east", pue="1.31", list=True)
    node = Node.objects.get()
    assert (node.owner.slug, node.site.name, node.site.pue) == ("lab", "Nancy East", Decimal("1.31"))
    assert node.state == "listed"
    assert node.listed_at is not None


def test_another_owners_node_is_not_taken_over(tmp_path: Path) -> None:
    factories.make_organisation(slug="lab")
    write(tmp_path)
    run(tmp_path)
    with pytest.raises(CommandError, match="belongs to another owner"):
        run(tmp_path, owner="lab")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"owner": "nobody"}, "no owner"),
        ({"pue": "0.9"}, "PUE"),
        ({"pue": "x"}, "PUE"),
        ({"site": "a b"}, "site"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: dict[str, str], reason: str) -> None:
    write(tmp_path)
    with pytest.raises(CommandError, match=reason):
        run(tmp_path, **options)
    assert not Node.objects.exists()


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no .json file"):
        run(tmp_path)
