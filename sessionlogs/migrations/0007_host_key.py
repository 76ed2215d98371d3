from django.db import migrations, models

KINDS = [
    ("authentication", "Authentication"),
    ("host_key", "host key"),
    ("connection", "Connection"),
    ("timeout", "Timeout"),
    ("device", "device's own error"),
    ("parse", "Parse"),
    ("internal", "Internal"),
]


class Migration(migrations.Migration):
    dependencies = [("sessionlogs", "0006_stored_answers")]

    operations = [
        migrations.AlterField(
            model_name=name,
            name="error_kind",
            field=models.CharField(blank=True, choices=KINDS, max_length=16),
        )
        for name in ("session", "sessionlog")
    ]
