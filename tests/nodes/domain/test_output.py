from __future__ import annotations

import pytest

from nodes.domain import output


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("\x1bcreset\x1b(B", "reset"),
        ("10%\r20%\r\n", "10%\n20%\n"),
        ("bell\x07 null\x00 del\x7f c1\x85", "bell null del c1"),
        ("abc\u202egpj.exe", "abcgpj.exe"),
        ("half\ud800", "half?"),
        ("cut short \x1b[3", "cut short "),
        ("éè 日本 🙂", "éè 日本 🙂"),
    ],
)
def test_control_sequences_are_neutralised(raw: str, read: str) -> None:
    assert output.neutralise(raw) == read
    assert "\x1b" not in output.neutralise(raw)


def test_a_cut_keeps_whole_characters() -> None:
    assert output.cut("aé", 2) == "a"
    assert output.cut("aé", 3) == "aé"
    assert output.cut("aé", -1) == ""


def test_foreign_json_is_made_harmless_all_the_way_down() -> None:
    assert output.harmless({"a\x00": ["\x1b[1mb", {"c": 1}]}) == {"a": ["b", {"c": 1}]}


@pytest.mark.parametrize("name", ["a", "out/model.bin", "à/é b.txt", "...", "a..b"])
def test_plain_relative_names_are_kept_as_they_are(name: str) -> None:
    assert output.safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "../x", "a/../b", "a/./b", ".", "..", "a//b", "a/", "a\x00b", "a\nb", "a\tb",
        "a\\b", "\x1b[31mx", "abc\u202egpj", "x" * 256, "/".join("a" * 21), "bad\ud800",
    ],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(output.UnsafeName):
        output.safe_name(name)
