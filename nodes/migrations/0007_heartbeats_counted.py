"""How often an agent has beaten since a moment."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("nodes", "0006_samples_and_changes_of_nodes"),
    ]

    operations = [
        migrations.AddField(
            "agent", "beats", models.PositiveIntegerField(db_default=0, default=0, editable=False)
        ),
        migrations.AddField("agent", "beats_from", models.DateTimeField(editable=False, null=True)),
    ]
