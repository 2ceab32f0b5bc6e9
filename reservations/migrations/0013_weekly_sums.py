"""What weeks came to, line by line."""

from __future__ import annotations

from django.db import migrations, models


def amount() -> models.Field:
    return models.DecimalField(decimal_places=6, max_digits=20, null=True)


class Migration(migrations.Migration):
    dependencies = [("reservations", "0012_policies_announced_drafted_and_called_off")]

    operations = [
        migrations.CreateModel(
            name="WeekSum",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("week", models.DateField()),
                (
                    "of",
                    models.CharField(
                        choices=[
                            ("all", "Everything"),
                            ("account", "Account"),
                            ("class", "Class"),
                            ("model", "Device model"),
                            ("node", "Node"),
                            ("rule", "Rule"),
                            ("first", "First slot"),
                            ("owner", "Owner"),
                            ("country", "Country"),
                        ],
                        max_length=7,
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=100)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("promised", amount()),
                ("demanded", amount()),
                ("entitled", amount()),
                ("delivered", amount()),
                ("others", amount()),
                ("bookable", amount()),
                ("jain", models.DecimalField(decimal_places=6, max_digits=7, null=True)),
                ("projects", models.PositiveIntegerField(null=True)),
                ("waiting", models.PositiveIntegerField(null=True)),
                ("median_hours", amount()),
                ("ninetieth_hours", amount()),
                ("asked", models.PositiveIntegerField(null=True)),
                ("granted", models.PositiveIntegerField(null=True)),
                ("refused", models.PositiveIntegerField(null=True)),
                ("entries", models.PositiveIntegerField(null=True)),
                ("counted_at", models.DateTimeField()),
            ],
            options={"ordering": ["week", "of", "key"]},
        ),
        migrations.AddConstraint(
            model_name="weeksum",
            constraint=models.UniqueConstraint(
                fields=("of", "week", "key"), name="one_line_of_a_kind_and_key_a_week"
            ),
        ),
        migrations.AddConstraint(
            model_name="weeksum",
            constraint=models.CheckConstraint(
                condition=models.Q(("week__iso_week_day", 1)), name="a_week_is_named_by_its_monday"
            ),
        ),
        migrations.AddConstraint(
            model_name="weeksum",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("jain", None), models.Q(("jain__gt", 0), ("jain__lte", 1)), _connector="OR"
                ),
                name="jains_index_lies_above_0_up_to_1",
            ),
        ),
    ]
