from __future__ import annotations

import pytest

from accounts.domain.people import one_line


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada \t Lovelace ", "Ada Lovelace"),
        ("Ada\r\nBcc: all@example.org", "Ada Bcc: all@example.org"),
        ("Ada\x00\x1b[31m", "Ada [31m"),
        ("Ada\u2028Lovelace\u0085", "Ada Lovelace"),
        ("\u202eevil\u202c", "evil"),
        ("Zoë Ångström", "Zoë Ångström"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("", ""),
    ],
)
def test_a_name_stands_on_one_line(written: str, kept: str) -> None:
    assert one_line(written) == kept


def test_it_is_cut_without_leaving_a_space() -> None:
    assert one_line("Ada Lovelace", 4) == "Ada"
