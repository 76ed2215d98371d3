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
    dependencies = [("sessionlogs", "0007_host_key")]

    operations = [
        migrations.AlterField(
            model_name=name,
            name="error_kind",
            field=models.CharField(blank=True, choices=KINDS, max_length=16),
        )
        for name in ("session", "sessionlog")
    ]
