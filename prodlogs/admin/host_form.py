"""The form of a Docker host. Its key goes in and never comes out."""

from typing import Any

from django import forms

from logsite.encryption.fields import filled_columns
from logsite.ssh.private_keys import load_private_key
from prodlogs.models import DockerHost

SECRETS = ("ssh_key", "ssh_key_passphrase")
FROM_ENVIRONMENT = "Defined by the environment (PRODLOGS_HOST); change it there."


class HostForm(forms.ModelForm):
    """A secret left empty keeps what is stored, which nobody reads for that."""

    ssh_key_file = forms.FileField(
        label="SSH private key, as a file",
        required=False,
        help_text="Stored encrypted, and never shown again.",
    )
    ssh_key = forms.CharField(
        label="… or pasted",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 70, "spellcheck": "false", "autocomplete": "off"}),
    )
    ssh_key_passphrase = forms.CharField(
        label="Its passphrase",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = DockerHost
        fields = ("name", "address", "port", "user", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.from_environment:
            for name in ("ssh_key_file", *SECRETS):
                self.fields.pop(name, None)
        self.stored = filled_columns(self.instance, SECRETS)
        for name in self.stored:
            if name in self.fields:
                self.fields[name].help_text = "A value is stored. Leave this field empty to keep it."

    def clean_ssh_key_file(self) -> str:
        file = self.cleaned_data["ssh_key_file"]
        if not file:
            return ""
        if file.size > 64 * 1024:
            raise forms.ValidationError("Not a private key: the file is larger than 64 KiB.")
        return str(file.read().decode("utf-8", "replace"))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "ssh_key" not in self.fields:  # of a host from the environment
            return cleaned
        key = cleaned.get("ssh_key_file") or cleaned.get("ssh_key") or ""
        if not key and "ssh_key" not in self.stored:
            self.add_error("ssh_key_file", "Give a key: LogSite logs in to hosts by key only.")
        if key:
            self._take_key(key, cleaned.get("ssh_key_passphrase") or "")
        elif passphrase := cleaned.get("ssh_key_passphrase"):
            self.instance.ssh_key_passphrase = passphrase
        return cleaned

    def _take_key(self, key: str, passphrase: str) -> None:
        """A new key does not keep the old one's passphrase."""
        try:
            load_private_key(key, passphrase)
        except ValueError as error:
            self.add_error("ssh_key_file", f"{error}.")
        self.instance.ssh_key, self.instance.ssh_key_passphrase = key, passphrase
