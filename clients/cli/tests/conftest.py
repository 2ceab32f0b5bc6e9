"""The command line in this very process, against a site in a thread, with a folder of its own."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parent.parent
sys.path[:0] = [str(PACKAGE), str(Path(__file__).parent)]  # no part of the site's environment

from equinode_cli import patience  # noqa: E402
from equinode_cli.main import main  # noqa: E402
from fake_site import TOKEN, FakeSite  # noqa: E402


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


class Equinode:
    """Call it as one would type it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._captured = monkeypatch, captured

    def __call__(self, *arguments: str, typed: str = "") -> Done:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        self._captured.readouterr()
        code = main(list(arguments))
        said = self._captured.readouterr()
        return Done(code, said.out, said.err)


@pytest.fixture
def site() -> Iterator[FakeSite]:
    site = FakeSite()
    yield site
    site.close()


@pytest.fixture
def equinode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Equinode:
    """Signed in nowhere."""
    for name in ("EQUINODE_SITE", "EQUINODE_TOKEN", "EQUINODE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LANGUAGE", "C")
    monkeypatch.chdir(tmp_path)
    return Equinode(monkeypatch, capsys)


@pytest.fixture
def ada(equinode: Equinode, site: FakeSite) -> Equinode:
    """Signed in to the small site."""
    assert equinode("login", site.url, typed=TOKEN).code == 0
    site.requests.clear()
    return equinode


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited, each time; it does not."""
    waited: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", waited.append)
    return waited
