from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('prodlogs', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='watermark',
            name='open_secret',
            field=models.CharField(blank=True, help_text='Words that open a secret of several lines, such as a private key, which goes on behind it.', max_length=64),
        ),
    ]
