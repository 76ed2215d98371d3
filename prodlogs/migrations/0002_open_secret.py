from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('prodlogs', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='watermark',
            name='open_secret',
            field=models.CharField(blank=True, help_text='The first words of a secret of several lines, such as a private key, whose end is still to come.', max_length=64),
        ),
    ]
