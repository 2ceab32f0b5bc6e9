"""What shares were when a week was first counted after its end."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0016_cells_without_a_limit"),
    ]

    operations = [
        migrations.AddField(
            model_name="weeksum",
            name="tree",
            field=models.JSONField(null=True),
        ),
    ]
