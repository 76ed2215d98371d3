"""The counts of log-in attempts, where no Redis keeps them."""

from django.db import models


class LoginCount(models.Model):
    """Attempts in one window: `key` names an address, a hashed name or a browser; `expires` is in Unix seconds."""

    key = models.CharField(max_length=100, primary_key=True)
    count = models.IntegerField()
    expires = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "login_counts"

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
