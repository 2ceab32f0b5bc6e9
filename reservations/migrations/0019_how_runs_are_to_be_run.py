"""How a job is to be run, and in whose place a run was queued again."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0018_refused_changes"),
    ]

    operations = [
        migrations.AddField(
            "run", "runner", models.CharField(blank=True, db_default="", default="", max_length=10)
        ),
        migrations.AddField(
            "run", "image", models.CharField(blank=True, db_default="", default="", max_length=330)
        ),
        migrations.AddField(
            "run", "network", models.CharField(db_default="none", default="none", max_length=10)
        ),
        migrations.AddField(
            "run", "retry", models.CharField(db_default="never", default="never", max_length=16)
        ),
        migrations.AddField(
            "run", "on_disconnect", models.CharField(db_default="keep", default="keep", max_length=4)
        ),
        migrations.AddField("run", "checkpoint", models.JSONField(db_default=[], default=list)),
        migrations.AddField(
            "run",
            "retry_of",
            models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="retried_as",
                to="reservations.run",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("retry__in", ["never", "from_start", "from_checkpoint"])),
                name="run_retry_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_disconnect__in", ["keep", "stop"])),
                name="run_on_disconnect_is_known",
            ),
        ),
    ]
