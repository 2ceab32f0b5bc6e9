"""Where the embedded servers listen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from config import embedded


@pytest.mark.parametrize("length", [10, 92, 93, 200])
def test_a_sockets_path_is_never_longer_than_the_kernel_takes(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    temporary = "/" + "t" * (length - 1)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: temporary)
    folder = embedded.run_dir(Path("/somewhere"))
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 107
    assert (folder.parent == Path(temporary)) == (length + len(folder.name) + 1 <= 93)


def test_two_checkouts_do_not_meet() -> None:
    assert embedded.run_dir(Path("/one")) != embedded.run_dir(Path("/other"))
