"""Patterns of files to bring back. Their text is a stranger's: it may be slow or broken on purpose."""

from __future__ import annotations

import time

import pytest
from equinode_agent.patterns import Pattern


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "a/b.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "a/b/c.csv", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/c", "b/c", False),
        ("**", "a/b/c", True),
        ("out/**", "out/a/b", True),
        ("out", "out/a/b", True),
        ("out/", "out/a", True),
        ("./out/*", "out/a", True),
        ("out/*", "outside/a", False),
        ("out/*", "out/a/b", True),
        ("run-?.log", "run-1.log", True),
        ("run-?.log", "run-/.log", False),
        ("run-[0-4].log", "run-3.log", True),
        ("run-[!0-4].log", "run-3.log", False),
        ("run-[!0-4].log", "run-7.log", True),
        ("a.b", "aXb", False),
        ("a+(b)", "a+(b)", True),
        ("[", "[", True),
        ("[z-a]", "m", False),
        ("a\nb", "a\nb", True),
    ],
)
def test_patterns_name_files(pattern: str, name: str, matches: bool) -> None:
    assert Pattern(pattern).matches(name) is matches


@pytest.mark.parametrize("pattern", ["", "/", "./", "."])
def test_a_pattern_of_nothing_is_none(pattern: str) -> None:
    assert not Pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("**/" * 80 + "x", "/".join(["a"] * 19 + ["y"])),
        ("*a" * 120 + "b", "a" * 255),
        ("**/*a" * 50 + "/b", "/".join(["a" * 10] * 20)),
        ("[[[[[[" * 40, "[" * 255),
    ],
)
def test_no_pattern_keeps_the_agent_busy(pattern: str, name: str) -> None:
    """As one regular expression the second takes longer than the universe has been there."""
    began = time.perf_counter()
    for _ in range(100):
        assert not Pattern(pattern).matches(name)
    assert time.perf_counter() - began < 5
