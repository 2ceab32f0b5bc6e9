"""An answer is stored once it is given: its status is known."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_steward_acts")]

    operations = [
        migrations.AlterField(
            model_name="idempotentanswer",
            name="status",
            field=models.PositiveSmallIntegerField(),
        ),
    ]
