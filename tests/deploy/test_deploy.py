"""The nginx configuration and the units of deploy/, tried with the real servers."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.live import BASE_DIR, SCRIPTS, LiveSite, eventually

DEPLOY = BASE_DIR / "deploy"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
RUN = re.compile(r"^ExecStart=/opt/equinode/\.venv/bin/(\S+) (.+)$", re.M)


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser


def command(name: str, folder: Path) -> list[str]:
    """What the unit starts, with this environment's programs and this test's sockets."""
    found = RUN.search((DEPLOY / "systemd" / name).read_text())
    assert found is not None
    program, arguments = found.groups()
    return [str(SCRIPTS / program), *arguments.replace("/run/equinode", str(folder)).split()]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_programs_that_are_installed_and_are_started_again(path: Path) -> None:
    service = unit(path.name)["Service"]
    assert Path(command(path.name, Path("/nowhere"))[0]).exists()
    assert service["Restart"] == "always"
    assert service["User"] == "equinode"


def test_the_target_names_every_unit() -> None:
    wanted = set(unit("equinode.target")["Unit"]["Wants"].split())
    names = {re.sub(r"@\w+", "@", name) for name in wanted}
    assert names == {path.name for path in UNITS}


def test_the_example_environment_names_only_known_settings() -> None:
    named = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "equinode.env").read_text(), re.M))
    described = set(re.findall(r"^\| `([A-Z_]+)` \|", (BASE_DIR / "docs/settings.md").read_text(), re.M))
    assert named <= described


@pytest.fixture(scope="module")
def site() -> Iterator[LiveSite]:
    if NGINX is None:
        pytest.skip("nginx is not installed: its configuration was not tried")
    live = LiveSite(f"deploy_{os.environ.get('TEST_RUN', os.getpid())}")
    try:
        live.prepare(seed=False)
        live.spawn("pages", command("equinode-pages.service", live.directory))
        live.spawn("streams", command("equinode-streams.service", live.directory))
        for name in ("pages", "streams"):
            eventually((live.directory / f"{name}.sock").exists, f"{name} listens")
        config = live.directory / "nginx.conf"
        config.write_text(_whole(live))
        subprocess.run([NGINX, "-t", "-c", str(config)], check=True, capture_output=True)
        live.spawn("web", [NGINX, "-c", str(config), "-g", "daemon off;"])
        live.wait_for_web()
        yield live
    finally:
        live.stop()


def _whole(site: LiveSite) -> str:
    """The file as shipped, with this test's port, sockets and folders, and without certificates."""
    shipped = (DEPLOY / "nginx.conf").read_text()
    ours = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", shipped, flags=re.S)
    ours = re.sub(r"^    (ssl_certificate|listen \[).*\n", "", ours, flags=re.M)
    ours = ours.replace("listen 443 ssl;", f"listen 127.0.0.1:{urlsplit(site.url).port};")
    ours = ours.replace("/run/equinode", str(site.directory)).replace(
        "/var/lib/equinode", str(site.directory)
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""{user} pid {site.directory}/nginx.pid; error_log {site.directory}/nginx-error.log;
events {{}}
http {{ access_log off; include /etc/nginx/mime.types;
client_body_temp_path {site.directory}/body; proxy_temp_path {site.directory}/proxy;
{ours.replace("equinode.example", "localhost 127.0.0.1")}
}}"""


@pytest.mark.matrix
def test_pages_come_through_nginx_with_their_styles(site: LiveSite) -> None:
    with urllib.request.urlopen(site.url + "/prices/") as answer:
        page = answer.read().decode()
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert style is not None
    with urllib.request.urlopen(site.url + style.group(1)) as answer:
        assert "max-age=315360000" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.matrix
def test_a_waiting_agent_is_served_by_the_server_of_streams(site: LiveSite) -> None:
    site.terminate("pages")  # so that only the other one can answer
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(site.url + "/agent/v1/work?wait=1")
    assert refused.value.code == 401  # it has no token, and was told so by the site
    refused.value.close()
    with pytest.raises(urllib.error.HTTPError) as gone:
        urllib.request.urlopen(site.url + "/prices/")
    assert gone.value.code == 502
    gone.value.close()
