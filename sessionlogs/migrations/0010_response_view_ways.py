"""Names the ways of the audit for views of responses, too; no column changes."""

from django.db import migrations, models

WAYS = [
    ("admin", "Admin"),
    ("api", "API"),
    ("stream", "Stream"),
    ("export", "Export"),
    ("cli", "command"),
    ("feed", "Feed"),
    ("system", "System"),
]


class Migration(migrations.Migration):
    dependencies = [("sessionlogs", "0009_housekeeping")]

    operations = [
        migrations.AlterField(
            model_name="responseview",
            name="via",
            field=models.CharField(choices=WAYS, max_length=8),
        )
    ]
