"""CSV: every line has as many columns as the first, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from common.evidence.faults import Unfit

_DELIMITERS = ",;\t"
# What a spreadsheet takes for a formula; a number with its sign is none (CWE-1236).
_FORMULA = re.compile(r"\s*(?:[=@]|[+-](?![\d.,\s]*%?$)(?=.*[A-Za-z(|!]))")


def is_table(text: str) -> bool:
    """Two lines or more of the same two columns or more."""
    try:
        return _look_through(text) >= 2
    except Unfit:
        return False


def check(text: str) -> None:
    """Unfit names the line."""
    if _look_through(text) < 2:
        raise Unfit("csv_lines")
    for line, row in _rows(text, _delimiter(text)):
        for cell in row:
            if _FORMULA.match(cell):
                raise Unfit("csv_formula", line=line, cell=cell[:40])


def _look_through(text: str) -> int:
    """How many rows there are, all alike."""
    columns = count = 0
    for line, row in _rows(text, _delimiter(text)):
        columns = columns or len(row)
        if columns < 2:
            raise Unfit("csv_columns")
        if len(row) != columns:
            raise Unfit("csv_uneven", line=line, columns=len(row), expected=columns)
        count += 1
    return count


def _delimiter(text: str) -> str:
    """The one that the first line has most of."""
    first = text.lstrip().split("\n", maxsplit=1)[0]
    return max(_DELIMITERS, key=first.count)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as exc:
        raise Unfit("csv_broken", line=reader.line_num) from exc
