"""What slots of each person have used of their project, rolled up from the usage entries that there are.

One pass over them, whose result is as large as projects have members.
"""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.fields

_ROLL_UP = """
INSERT INTO reservations_memberuse (vertex_id, person_id, cost_weighted_hours)
SELECT entry.vertex_id, slot.booked_by_id, sum(entry.cost_weighted_hours)
  FROM reservations_usageentry entry
  JOIN reservations_reserveddevice reserved USING (hold_uid)
  JOIN reservations_reservation slot ON slot.id = reserved.reservation_id
 GROUP BY entry.vertex_id, slot.booked_by_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0019_how_runs_are_to_be_run"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MemberUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cost_weighted_hours", common.fields.ExactNumericField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "vertex",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="use_by_member",
                        to="reservations.vertex",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("vertex", "person"), name="use_of_a_member_is_summed_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(_ROLL_UP, migrations.RunSQL.noop),
    ]
