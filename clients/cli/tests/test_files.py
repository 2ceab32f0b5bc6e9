"""Files of a job: whole, checked, taken up where they broke off, and only inside the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Equinode
from equinode_cli.errors import FileTrouble
from equinode_cli.fetching import safe_name
from fake_site import RUN, FakeSite

NAME = "out/result.csv"
PATH = f"runs/{RUN}/files/{NAME}"


def test_files_are_listed_and_kept(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    assert "10.0 KB" in ada("files", "list", RUN).out
    done = ada("files", "download", RUN, "--to", "results")
    assert done.code == 0
    assert (tmp_path / "results" / NAME).read_bytes() == site.files[NAME]
    assert (tmp_path / "results" / "log.txt").read_bytes() == b""
    assert [path.name for path in (tmp_path / "results" / "out").iterdir()] == ["result.csv"]


@pytest.mark.parametrize("has_ranges", [True, False])
def test_what_broke_off_is_taken_up_again(
    ada: Equinode, site: FakeSite, tmp_path: Path, pauses: list[float], has_ranges: bool
) -> None:
    site.cut, site.has_ranges = 4000, has_ranges
    assert ada("files", "download", RUN, NAME).code == 0
    assert (tmp_path / NAME).read_bytes() == site.files[NAME]
    assert [one.headers.get("range") for one in site.asked(PATH)] == [None, "bytes=4000-"]


def test_a_part_from_an_earlier_call_is_gone_on_with(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / f"{NAME}.part").write_bytes(site.files[NAME][:100])
    assert ada("files", "download", RUN, NAME).code == 0
    assert (tmp_path / NAME).read_bytes() == site.files[NAME]
    assert site.asked(PATH)[0].headers["range"] == "bytes=100-"


def test_what_has_another_digest_is_not_kept(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / f"{NAME}.part").write_bytes(b"something else")
    done = ada("files", "download", RUN, NAME)
    assert done.code == 7
    assert "digest" in done.err
    assert list((tmp_path / "out").iterdir()) == []
    assert ada("files", "download", RUN, NAME).code == 0


def test_what_is_here_is_not_fetched_and_another_not_replaced(
    ada: Equinode, site: FakeSite, tmp_path: Path
) -> None:
    assert ada("files", "download", RUN, NAME).code == 0
    assert ada("files", "download", RUN, NAME).code == 0
    assert len(site.asked(PATH)) == 1
    (tmp_path / NAME).write_text("mine")
    assert ada("files", "download", RUN, NAME).code == 7
    assert (tmp_path / NAME).read_text() == "mine"
    assert ada("files", "download", RUN, NAME, "--overwrite").code == 0
    assert (tmp_path / NAME).read_bytes() == site.files[NAME]


def test_a_file_that_it_did_not_bring_is_not_found(ada: Equinode, site: FakeSite) -> None:
    assert ada("files", "download", RUN, "none").code == 4


@pytest.mark.parametrize("name", ["a", "out/the answer  (1).txt", "ü/日本", ".hidden", "a..b"])
def test_a_plain_name_is_used_as_it_is(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../b", "", "a//b", ".", "c:/x", "a\\b", "a\x1b[2Jb", "a\nb"]
)
def test_a_name_cannot_lead_out(name: str) -> None:
    with pytest.raises(FileTrouble):
        safe_name(name)


def test_a_link_in_the_folder_cannot_lead_out(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "out").symlink_to(tmp_path / "elsewhere")
    assert ada("files", "download", RUN, NAME, "--to", "results").code == 7
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    done = ada("files", "download", RUN, NAME, "--to", "results")
    assert done.code in (2, 7)
    assert "results" in done.err
