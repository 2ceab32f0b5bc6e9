from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from common.lines import on_one_line, require_one_line


@pytest.mark.parametrize("name", ["Côte d’Azur 2026", "蛋白质", "a  b", "👩\u200d🔬", "<b>{{ x }}</b>"])
def test_a_name_may_hold_any_script(name: str) -> None:
    require_one_line(name)


@pytest.mark.parametrize("name", ["a\r\nBcc: b", "a\nb", "a\0b", "a\u2028b", "a\x85b", "a\u202eb", "\x1b[1m"])
def test_a_name_holds_no_line_break_and_turns_no_reading_order(name: str) -> None:
    with pytest.raises(ValidationError, match="on one line"):
        require_one_line(name)
    require_one_line(on_one_line(name))


def test_a_subject_is_one_line_whatever_a_name_holds() -> None:
    assert on_one_line("Join\r\nBcc: eve@example.org\n") == "Join Bcc: eve@example.org"
