from django.db import migrations

NAME = "Can choose where stored credentials are sent: assign them, move their devices"
HELD_BEFORE = ("add_device", "change_device")


def grant(apps, schema_editor):
    """Users and groups that could add or change devices could assign credentials: they still can."""
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    before = permissions.filter(content_type__app_label="devices", codename__in=HELD_BEFORE)
    if not before.exists():
        return  # a new database: Django makes the permissions after the migrations
    credential, _ = content_types.get_or_create(app_label="devices", model="credential")
    added, _ = permissions.get_or_create(
        codename="use_credential", content_type=credential, defaults={"name": NAME}
    )
    for holders in (apps.get_model("auth", "User").objects, apps.get_model("auth", "Group").objects):
        field = "user_permissions" if holders.model._meta.model_name == "user" else "permissions"
        for holder in holders.filter(**{f"{field}__in": before}).distinct():
            getattr(holder, field).add(added)


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0006_stored_answers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="credential",
            options={
                "base_manager_name": "objects",
                "ordering": ["name"],
                "permissions": [("use_credential", NAME)],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
