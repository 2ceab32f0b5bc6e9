from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0015_the_day_that_a_draft_is_for"),
    ]

    operations = [
        migrations.AddField(
            model_name="pooldraft",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
    ]
