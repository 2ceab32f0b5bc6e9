"""Which slot a refused decision was to move or extend."""

from __future__ import annotations

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0017_trees_of_weeks"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "change",
                    models.CharField(choices=[("moved", "Moved"), ("extended", "Extended")], max_length=10),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refused_change",
                        to="reservations.decision",
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refused_changes",
                        to="reservations.reservation",
                    ),
                ),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refusedchange",
            trigger=pgtrigger.compiler.Trigger(
                name="refused_change_is_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b0495e31f775050a2ea7d5c42813bdd608c01222",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_refused_change_is_append_only_87ba1",
                    table="reservations_refusedchange",
                    when="BEFORE",
                ),
            ),
        ),
    ]
