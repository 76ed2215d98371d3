"""Gives the tables of processes, counters and purge runs to logsite.housekeeping; they and their rows stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sessionlogs", "0008_too_large"), ("housekeeping", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="PurgeRun"),
                migrations.DeleteModel(name="RecordingCounter"),
                migrations.DeleteModel(name="RecordingProcess"),
            ]
        ),
        migrations.AlterField(
            model_name="session",
            name="process",
            field=models.UUIDField(editable=False, help_text="The process that records it.", null=True),
        ),
    ]
