from __future__ import annotations

import pytest

from nodes.domain import protocol
from nodes.domain.protocol import SPOKEN, Version, read


@pytest.mark.parametrize(
    ("told", "version"),
    [(None, Version(1, 0)), ("1.1", Version(1, 1)), (" 2.10 ", Version(2, 10))],
)
def test_versions_are_read(told: str | None, version: Version) -> None:
    assert read(told) == version


@pytest.mark.parametrize("told", ["", "1", "1.", ".1", "1.1.1", "v1.1", "1.-1", "99999.1", "\u0661.1"])
def test_what_is_no_version_is_none(told: str) -> None:
    assert read(told) is None


def test_one_minor_of_skew_either_way_and_no_other_major() -> None:
    two = Version(3, 2)
    assert [two.speaks_with(Version(3, minor)) for minor in range(5)] == [False, True, True, True, False]
    assert not two.speaks_with(Version(2, 2))
    assert not two.speaks_with(Version(4, 2))


def test_what_is_told_as_taken_is_what_is_spoken_with() -> None:
    told = [read(version) for version in protocol.taken()]
    assert all(version is not None and SPOKEN.speaks_with(version) for version in told)
    assert SPOKEN in told
