"""Move what decisions were taken on to rows of their own, each once, under its digest.

Digests are taken of the canonical JSON, which the database cannot write, so every row is read once, some
thousands at a time. It takes in proportion to them and no more memory: 10,000 decisions of 1.3 kB took 3.5 s,
40,000 9.2 s and 160,000 37 s on two cores that others kept busy, with 12 MiB more than before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_AT_ONCE = 5_000

_TABLE = """
CREATE TABLE reservations_snapshot (digest varchar(64) NOT NULL PRIMARY KEY, facts jsonb NOT NULL)
"""

_NEXT = "SELECT id, snapshot::text FROM reservations_decision WHERE id > %s ORDER BY id LIMIT %s"

# The trigger that keeps decisions from being changed is off by then: see the operations.
_MOVE = """
WITH of_row AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(digests)s::text[]) AS of_row (id, digest)
), kept AS (
    INSERT INTO reservations_snapshot (digest, facts)
    SELECT DISTINCT ON (of_row.digest) of_row.digest, decision.snapshot
      FROM of_row JOIN reservations_decision decision USING (id)
     ORDER BY of_row.digest
    ON CONFLICT (digest) DO NOTHING
)
UPDATE reservations_decision decision SET taken_on_id = of_row.digest
  FROM of_row WHERE decision.id = of_row.id
"""

_BACK = """
UPDATE reservations_decision decision SET snapshot = snapshot.facts
  FROM reservations_snapshot snapshot WHERE snapshot.digest = decision.taken_on_id
"""


def move(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        for ids, digests in _rows(cursor):
            cursor.execute(_MOVE, {"ids": ids, "digests": digests})


def move_back(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_BACK)


def _rows(cursor: Any) -> Iterator[tuple[list[int], list[str]]]:
    last = 0
    while True:
        cursor.execute(_NEXT, [last, _AT_ONCE])
        rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield [id for id, _ in rows], [_digest(text) for _, text in rows]


def _digest(text: str) -> str:
    """As reservations.domain.exact_json had it when this was written."""
    value = json.loads(text)
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


IMMUTABLE_DECISION = pgtrigger.compiler.Trigger(
    name="decision_is_immutable",
    sql=pgtrigger.compiler.UpsertTriggerSql(
        func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
        hash="263ea178c0033ff3658f1c5ff4f85588a191d66c",
        operation="UPDATE OR DELETE",
        pgid="pgtrigger_decision_is_immutable_e1653",
        table="reservations_decision",
        when="BEFORE",
    ),
)
IMMUTABLE_SNAPSHOT = pgtrigger.compiler.Trigger(
    name="snapshot_is_immutable",
    sql=pgtrigger.compiler.UpsertTriggerSql(
        func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
        hash="9b518332c8cdc93029fee78efbabaecb88226449",
        operation="UPDATE OR DELETE",
        pgid="pgtrigger_snapshot_is_immutable_2d551",
        table="reservations_snapshot",
        when="BEFORE",
    ),
)


class Migration(migrations.Migration):
    dependencies = [("reservations", "0008_cells_that_all_projects_share")]

    operations = [
        # By hand, without the second index for LIKE that nobody uses and every booking would pay for.
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(_TABLE, "DROP TABLE reservations_snapshot")],
            state_operations=[
                migrations.CreateModel(
                    name="Snapshot",
                    fields=[
                        ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("facts", models.JSONField()),
                    ],
                )
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(model_name="decision", name="decision_is_immutable"),
        migrations.AddField(
            model_name="decision",
            name="taken_on",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="reservations.snapshot",
                db_constraint=False,
                db_index=False,
            ),
        ),
        # Reversed, the column is there again before it is filled, and may be empty until then.
        migrations.AlterField(model_name="decision", name="snapshot", field=models.JSONField(null=True)),
        migrations.RunPython(move, move_back),
        migrations.AlterField(
            model_name="decision",
            name="taken_on",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="reservations.snapshot",
                db_index=False,
            ),
        ),
        migrations.RemoveField(model_name="decision", name="snapshot"),
        pgtrigger.migrations.AddTrigger(model_name="decision", trigger=IMMUTABLE_DECISION),
        pgtrigger.migrations.AddTrigger(model_name="snapshot", trigger=IMMUTABLE_SNAPSHOT),
    ]
