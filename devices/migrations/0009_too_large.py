from django.db import migrations, models

KINDS = [
    ("authentication", "Authentication"),
    ("host_key", "host key"),
    ("connection", "Connection"),
    ("timeout", "Timeout"),
    ("device", "device's own error"),
    ("parse", "Parse"),
    ("too_large", "response too large"),
    ("internal", "Internal"),
]


class Migration(migrations.Migration):
    dependencies = [("devices", "0008_host_keys")]

    operations = [
        migrations.AlterField(
            model_name="device",
            name="error_kind",
            field=models.CharField(blank=True, choices=KINDS, editable=False, max_length=16),
        )
    ]
