"""The flags of all nodes as data: JSON with numbers as text, and rows for CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from common.api.shapes import moment
from pricing.models import CostStatement
from pricing.selectors.flags.boards import Board
from pricing.selectors.flags.shown import ShownFlag, flag_json
from pricing.selectors.open_data import text

FLAG_COLUMNS = (
    "node", "statement", "flag", "raised", "declared", "percentile", "peers", "peers_share", "limit",
    "retail_day", "retail_eur", "sentence", "source",
)  # fmt: skip


def flag_lines(board: Board) -> Iterator[dict[str, Any]]:
    """Every flag of every listed node, raised or not, by the node's address. One query."""
    rows = CostStatement.objects.filter(pk__in=list(board.figures)).select_related("node").defer("declared")
    for row in rows.order_by("node__slug"):
        for flag in board.of(row.pk):
            yield {"node": row.node.slug, "statement": row.number, **flag_json(ShownFlag(flag))}


def flags_json(board: Board) -> dict[str, Any]:
    lines = list(flag_lines(board))
    return {"at": moment(board.at), "count": len(lines), "flags": lines}


def flags_csv(lines: Iterable[dict[str, Any]]) -> list[list[str]]:
    return [list(FLAG_COLUMNS), *([_cell(line[name]) for name in FLAG_COLUMNS] for line in lines)]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else text(str(value))
