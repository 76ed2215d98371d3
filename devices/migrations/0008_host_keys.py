from django.db import migrations, models

CODENAME, NAME = "accept_host_key", "Can accept a device's host key"


def grant(apps, schema_editor):
    """Who may change devices could collect one whose key had changed; they can go on by accepting the key."""
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(
        schema_editor.connection.alias
    )
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    kind, _ = content_types.get_or_create(app_label="devices", model="device")
    change = permissions.filter(content_type=kind, codename="change_device").first()
    if change is None:  # a new site: nobody has any permission yet
        return
    accept, _ = permissions.get_or_create(content_type=kind, codename=CODENAME, defaults={"name": NAME})
    accept.user_set.add(*change.user_set.all())
    accept.group_set.add(*change.group_set.all())


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("devices", "0007_use_credential"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="device",
            options={
                "ordering": ["name"],
                "permissions": [
                    (CODENAME, NAME),
                    ("run_commands", "Can run read-only commands on devices"),
                    ("run_any_command", "Can run any command on devices"),
                ],
            },
        ),
        migrations.AddField(
            model_name="device",
            name="host_key",
            field=models.TextField(
                blank=True,
                help_text="The accepted host key: type and base64, as in known_hosts. Empty: none yet.",
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="host_key_at",
            field=models.DateTimeField(
                editable=False, help_text="When the accepted host key was pinned or accepted.", null=True
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="host_key_by",
            field=models.CharField(
                blank=True, editable=False, help_text="How the key was accepted, and by which user or process.", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="offered_host_key",
            field=models.TextField(
                blank=True,
                editable=False,
                help_text="What the host showed instead, and waits to be accepted.",
            ),
        ),
        migrations.AddField(
            model_name="device", name="offered_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.AlterField(
            model_name="device",
            name="error_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("authentication", "Authentication"),
                    ("host_key", "host key"),
                    ("connection", "Connection"),
                    ("timeout", "Timeout"),
                    ("device", "device's own error"),
                    ("parse", "Parse"),
                    ("internal", "Internal"),
                ],
                editable=False,
                max_length=16,
            ),
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
