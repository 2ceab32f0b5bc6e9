from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pricing', '0005_lines_that_are_closed'),
    ]

    operations = [
        migrations.AddField(
            model_name='grant',
            name='returned',
            field=models.DecimalField(db_default=0, decimal_places=6, default=0, max_digits=18),
        ),
        migrations.RemoveConstraint(
            model_name='grant',
            name='grant_is_not_overspent',
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('encumbered__gte', 0), ('used__gte', 0), ('returned__gte', 0), ('amount__gte', models.F('encumbered') + models.F('used') + models.F('returned'))), name='grant_is_not_overspent'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('returned', 0), ('line__isnull', False), _connector='OR'), name='only_to_a_line_is_returned'),
        ),
    ]
