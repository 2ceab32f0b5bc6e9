"""Counting booked hours in the cells that all projects share, and taking them back out of them.

The cells are locked after grants and before devices, all in the order of reservations.domain.counted.Cell.
Each change is one statement: it locks the cells, raises or lowers them, and writes what it counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from psycopg.types.json import Jsonb

from common.prepared import prepared
from reservations.domain import exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.counted import Cell, Counted
from reservations.domain.rules import Case, counted_within
from reservations.domain.slots import Slot
from reservations.models import CountedHours, Reservation
from reservations.selectors import policies

# A row that its WHERE keeps from being raised is locked all the same, so who looks again sees what decides.
# What was counted is written only where every cell had room for it, since it cannot be taken back.
_TAKE = """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(%(cells)s)
        AS wanted (rule text, kind text, key text, period text, band text, seconds numeric, most numeric)
), raised AS (
    INSERT INTO reservations_sharedcell AS cell (rule, kind, key, period, band, held_seconds, most_seconds)
    SELECT rule, kind, key, period, band, seconds, most FROM wanted
     WHERE most IS NULL OR seconds <= most
     ORDER BY rule COLLATE "C", kind COLLATE "C", key COLLATE "C", period COLLATE "C", band COLLATE "C"
    ON CONFLICT (rule, kind, key, period, band) DO UPDATE
       SET held_seconds = cell.held_seconds + EXCLUDED.held_seconds, most_seconds = EXCLUDED.most_seconds
     WHERE EXCLUDED.most_seconds IS NULL
        OR cell.held_seconds + EXCLUDED.held_seconds <= EXCLUDED.most_seconds
    RETURNING id, rule, kind, key, period, band
), told AS (
    INSERT INTO reservations_countedhours (cell_id, reference, seconds, project_class, at)
    SELECT id, %(reference)s, seconds, %(project_class)s, %(at)s
      FROM raised JOIN wanted USING (rule, kind, key, period, band)
     WHERE (SELECT count(*) FROM raised) = (SELECT count(*) FROM wanted)
)
SELECT id, seconds FROM raised JOIN wanted USING (rule, kind, key, period, band)
"""

_LOCK = """
INSERT INTO reservations_sharedcell AS cell (rule, kind, key, period, band, held_seconds, most_seconds)
SELECT rule, kind, key, period, band, 0, 0
  FROM (SELECT * FROM jsonb_to_recordset(%(cells)s)
            AS wanted (rule text, kind text, key text, period text, band text)
         UNION
        SELECT rule, kind, key, period, band FROM reservations_sharedcell
         WHERE id IN (SELECT cell_id FROM reservations_countedhours WHERE reference = ANY(%(references)s))
       ) AS both_of_them
 ORDER BY rule COLLATE "C", kind COLLATE "C", key COLLATE "C", period COLLATE "C", band COLLATE "C"
ON CONFLICT (rule, kind, key, period, band) DO UPDATE SET held_seconds = cell.held_seconds
"""

# Some were raised and others were full: as if nothing had been, but for the locks.
_UNDO = """
UPDATE reservations_sharedcell AS cell SET held_seconds = held_seconds - raised.seconds
  FROM unnest(%(cells)s::bigint[], %(seconds)s::numeric[]) AS raised (id, seconds)
 WHERE cell.id = raised.id
"""

# All that a slot counts but what it keeps: given back twice, it is given back once.
_GIVE_BACK = """
WITH kept AS (
    SELECT cell.id AS cell_id, kept.seconds
      FROM jsonb_to_recordset(%(cells)s)
        AS kept (rule text, kind text, key text, period text, band text, seconds numeric)
      JOIN reservations_sharedcell cell USING (rule, kind, key, period, band)
), counted AS (
    SELECT cell_id, reference, project_class, sum(seconds) AS seconds
      FROM reservations_countedhours WHERE reference = ANY(%(references)s)
     GROUP BY cell_id, reference, project_class
), back AS (
    SELECT cell_id, reference, project_class, counted.seconds - COALESCE(kept.seconds, 0) AS seconds
      FROM counted LEFT JOIN kept USING (cell_id)
     WHERE counted.seconds > COALESCE(kept.seconds, 0)
), locked AS MATERIALIZED (
    SELECT id FROM reservations_sharedcell WHERE id IN (SELECT cell_id FROM back)
     ORDER BY rule COLLATE "C", kind COLLATE "C", key COLLATE "C", period COLLATE "C", band COLLATE "C"
       FOR NO KEY UPDATE
), lowered AS (
    UPDATE reservations_sharedcell AS cell SET held_seconds = held_seconds - given.seconds
      FROM (SELECT cell_id, sum(seconds) AS seconds FROM back GROUP BY cell_id) given, locked
     WHERE cell.id = given.cell_id AND locked.id = cell.id
)
INSERT INTO reservations_countedhours (cell_id, reference, seconds, project_class, at)
SELECT cell_id, reference, -seconds, project_class, %(at)s FROM back
"""


def lock(*, references: Sequence[str], cells: Iterable[Cell] = ()) -> None:
    """Lock the cells in which these slots count, and others that are about to: for who changes both.

    A cell that nobody has counted in yet gets its row, with nothing in it.
    """
    values: dict[str, Any] = {"cells": Jsonb([vars(cell) for cell in cells]), "references": [*references]}
    with prepared() as cursor:
        cursor.execute(_LOCK, values)


def take(*, counted: Sequence[Counted], reference: str, project_class: str, at: datetime) -> bool:
    """Count a slot's hours in all of these cells, or in none where one of them is full by now.

    Either way the cells are locked afterwards: whoever filled one has committed, and nobody fills another
    before this transaction ends. Lock the project and its grants before, and the devices afterwards.
    """
    if not counted:
        return True
    most = {one.cell: one.most for one in counted}
    values: dict[str, Any] = {
        "cells": _rows({one.cell: one.hours for one in counted}, most),
        "reference": reference, "project_class": project_class, "at": at,
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_TAKE, values)
        raised = cursor.fetchall()
        if len(raised) == len(counted):
            return True
        if raised:
            cells, seconds = zip(*raised, strict=True)
            cursor.execute(_UNDO, {"cells": [*cells], "seconds": [*seconds]})
    return False


def give_back(*, references: Sequence[str], at: datetime) -> None:
    """Take out of the cells all that these slots still count. Their project is locked by the caller."""
    _give_back(references, {}, at)


def give_back_after(*, reservation: Reservation, since: datetime, at: datetime) -> None:
    """Take the hours later than a moment out of the cells. What lies before it stays counted for good."""
    if not CountedHours.objects.filter(reference=reservation.reference).exists():
        return
    decision = reservation.decision
    request = exact_json.read(Request, decision.request)
    snapshot = exact_json.read(Snapshot, decision.snapshot)
    case = Case.of(request, snapshot, policies.by_digest(decision.policy.digest))
    kept = counted_within(case, Slot(request.start, since)) if since > request.start else {}
    _give_back([reservation.reference], kept, at)


def _give_back(references: Sequence[str], kept: Mapping[Cell, Fraction], at: datetime) -> None:
    values: dict[str, Any] = {"cells": _rows(kept), "references": [*references], "at": at}
    with prepared() as cursor:
        cursor.execute(_GIVE_BACK, values)


def _rows(hours: Mapping[Cell, Fraction], most: Mapping[Cell, Fraction | None] | None = None) -> Jsonb:
    """One value instead of seven lists, which would take longer to send than the statement takes to run."""
    rows = []
    for cell, number in hours.items():
        row = {**vars(cell), "seconds": str(_down_to_seconds(number))}
        limit = most[cell] if most else None
        rows.append(row if limit is None else row | {"most": str(_down_to_seconds(limit))})
    return Jsonb(rows)


def _down_to_seconds(hours: Fraction) -> Decimal:
    """To the microsecond: exact for whatever is booked, and never more than a limit says."""
    return Decimal(hours * 3_600_000_000 // 1).scaleb(-6)
