"""A cell in which nothing is kept is counted too, without a limit."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0015_replays_under_another_policy"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sharedcell",
            name="most_seconds",
            field=models.DecimalField(blank=True, decimal_places=6, max_digits=20, null=True),
        ),
    ]
