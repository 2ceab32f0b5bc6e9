"""Which version of the protocol an agent speaks."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0010_gpus_told_by_one_node_and_checks_not_made"),
    ]

    operations = [
        migrations.AddField(
            "agent", "protocol", models.CharField(db_default="1.0", default="1.0", max_length=9)
        ),
    ]
