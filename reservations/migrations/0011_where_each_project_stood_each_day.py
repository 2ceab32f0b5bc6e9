from __future__ import annotations

import common.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0010_paths_of_the_share_tree_follow_its_parents"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyStanding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("at", models.DateTimeField()),
                ("promised", models.TextField()),
                ("stored", common.fields.ExactNumericField()),
                ("committed", common.fields.ExactNumericField()),
                ("stored_by_all", common.fields.ExactNumericField()),
                ("committed_by_all", common.fields.ExactNumericField()),
                ("half_life_hours", models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="dailystanding",
            name="vertex",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="days", to="reservations.vertex"
            ),
        ),
        migrations.AddIndex(
            model_name="dailystanding",
            index=models.Index(fields=["day"], name="standing_by_day"),
        ),
        migrations.AddConstraint(
            model_name="dailystanding",
            constraint=models.UniqueConstraint(fields=("vertex", "day"), name="a_project_stands_once_a_day"),
        ),
    ]
