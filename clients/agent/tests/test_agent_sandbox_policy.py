"""The owner's own rules about images, networks, folders and power: read, refused with a mistake, obeyed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agent_process import AgentProcess
from equinode_agent import policy
from equinode_agent.errors import LeaseRejected, StateError
from equinode_agent.lease import SignedLease, specification_of
from fake_site import FakeSite

DIGEST = "sha256:" + "0123456789abcdef" * 4
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rules(folder: Path, text: str) -> policy.Policy:
    (folder / "policy.toml").write_text(text)
    return policy.load(folder)


def refusal(found: policy.Policy, site: FakeSite, **job: Any) -> str:
    """The code of the rule that forbids such a job; empty where none does."""
    signed = SignedLease.load(site.sign(site.payload(specification=job)))
    specification = specification_of(signed.verified(site_key=site.site_key, node=site.node))
    try:
        found.require(specification, starts=NOON, ends=NOON + timedelta(hours=1))
    except LeaseRejected as exc:
        return exc.note.code
    return ""


def test_without_rules_there_is_no_network_and_only_public_registries(tmp_path: Path, site: FakeSite) -> None:
    found = policy.load(tmp_path)
    assert refusal(found, site) == ""
    assert refusal(found, site, network="internet") == "owner_network"
    assert refusal(found, site, network="list") == "owner_network"
    assert refusal(found, site, runner="podman", image=f"docker.io/library/python@{DIGEST}") == ""
    assert refusal(found, site, runner="podman", image=f"10.0.0.1:5000/x@{DIGEST}") == "owner_image"


def test_an_owner_gives_networks_and_images(tmp_path: Path, site: FakeSite) -> None:
    found = rules(
        tmp_path,
        'networks = ["none", "list"]\nnetwork_list = ["pypi.org"]\n'
        'blocked = ["8.8.0.0/16"]\nimages = ["ghcr.io/me/*"]',
    )
    assert refusal(found, site, network="list") == ""
    assert refusal(found, site, network="internet") == "owner_network"
    assert refusal(found, site, runner="podman", image=f"ghcr.io/me/tool@{DIGEST}") == ""
    assert refusal(found, site, runner="podman", image=f"docker.io/library/python@{DIGEST}") == "owner_image"
    reach = found.reach("list")
    assert reach is not None
    assert (reach.why_not_host("pypi.org", 443), found.reach("none")) == (None, None)
    assert reach.dump() == {"hosts": ["pypi.org"], "blocked": ["8.8.0.0/16"]}


def test_the_site_is_told_what_an_owner_gives(tmp_path: Path) -> None:
    found = rules(
        tmp_path, 'networks = ["none", "list"]\nnetwork_list = ["pypi.org", "data.lab:8443"]\nimages = []'
    )
    assert found.offers() == {
        "networks": ["none", "list"], "network_list": ["pypi.org", "data.lab:8443"], "images": [],
    }  # fmt: skip
    assert rules(tmp_path, 'network_list = ["pypi.org"]').offers()["network_list"] == []


def test_no_gpu_draws_more_than_its_owner_allows(tmp_path: Path) -> None:
    found = rules(tmp_path, "max_gpu_watts = 300")
    found.require_power(None)
    found.require_power(300.0)
    with pytest.raises(LeaseRejected, match="at most 300 W for a GPU, and its limit is 350 W"):
        found.require_power(350.0)


@pytest.mark.parametrize(
    "text",
    ['networks = ["all"]', 'networks = "none"', 'network_list = ["a b"]', 'blocked = ["10.0.0.1/8"]']
    + ['blocked = ["home"]', "images = [1]", 'paths = ["data"]', 'paths = ["/etc"]', 'paths = ["/"]']
    + ['paths = ["/does/not/exist"]', "max_gpu_watts = 0", "max_gpu_watts = true", "max_images_bytes = -1"]
    + ['paths = ["/usr/../etc"]'],
)
def test_rules_with_a_mistake_allow_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(StateError, match="policy.toml"):
        rules(tmp_path, text)


def test_the_agents_own_state_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="own state"):
        rules(tmp_path, f'paths = ["{tmp_path}"]')


@pytest.fixture
def shown() -> Iterator[Path]:
    """A folder that everybody on the machine may read."""
    folder = Path(tempfile.mkdtemp(prefix="equinode-shown-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_folder_of_the_owners_is_to_be_read_and_not_written(
    site: FakeSite, state: Path, agent: AgentProcess, shown: Path
) -> None:
    (shown / "data").write_text("public data\n")
    (state / "policy.toml").write_text(f'paths = ["{shown}"]')
    lease = site.offer(site.payload(f"cat {shown}/data; echo x > {shown}/data; rm {shown}/data; echo done"))
    assert site.ended(lease, 60)["exit_code"] == 0
    assert "public data\n" in site.log(lease)
    assert (shown / "data").read_text() == "public data\n"
