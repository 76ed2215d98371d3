from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('prodlogs', '0002_open_secret'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='containerlogentry',
            index=models.Index(fields=['timestamp', 'id'], name='container_entry_time'),
        ),
        migrations.AddIndex(
            model_name='containerlogentry',
            index=models.Index(condition=models.Q(('level', ''), _negated=True), fields=['level', 'timestamp'], name='container_entry_level_time'),
        ),
        migrations.RemoveIndex(
            model_name='containerlogentry',
            name='container_entry_newest',
        ),
        migrations.RemoveIndex(
            model_name='containerlogentry',
            name='container_entry_level',
        ),
    ]
