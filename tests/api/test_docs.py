"""What docs/api.md shows can be typed as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from accounts.domain import scopes
from accounts.services import tokens
from common import clock
from tests.reservations.services.worlds import in_days, make_lab, make_open_node
from tests.reservations.views.running import Job

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", API, re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.django_db(transaction=True)
def test_every_example_is_answered_as_the_page_says(live_server: LiveServer, tmp_path: Path) -> None:
    lab, node, at = make_lab(), make_open_node(), clock.now()
    job = Job(lab).start().print("epoch 1\n").bring_back("out/result.csv", b"1,2\n").end()
    _token, secret = tokens.create(
        user=lab.member, name="docs", scopes=scopes.ALL, project=None,
        expires_at=at + timedelta(days=1), at=at,
    )  # fmt: skip
    (tmp_path / ".curlrc").write_text("fail-with-body\n")  # a refusal is a failure here
    device = node.devices.first()
    assert device is not None
    names = {
        "SITE": live_server.url, "TOKEN": secret, "PROJECT": lab.project.slug, "NODE": node.slug,
        "DEVICE": str(device.uid), "START": in_days(2).isoformat(), "RUN": str(job.run.uid),
        "END": (in_days(2) + timedelta(hours=2)).isoformat(), "CURL_HOME": str(tmp_path),
    }  # fmt: skip
    assert len(EXAMPLES) > 3
    for example in EXAMPLES:
        done = subprocess.run(
            ["bash", "-euc", example], env={**os.environ, **names}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{example}\n{done.stdout}{done.stderr}"
