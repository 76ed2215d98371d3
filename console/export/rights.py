"""Whether the reader of a long export may still read, by what the database says now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.contrib.auth import get_user_model

from console.export.pages import Incomplete
from logsite.audit import Reader
from logsite.records import PermissionMissing, SourceView, get_source


@dataclass(frozen=True)
class Rights:
    """The rights that `reader` had to `views` at the begin. `is_logged_in` asks for the token or session."""

    reader: Reader
    views: Sequence[SourceView]
    is_logged_in: Callable[[], bool] | None = None

    def check(self) -> None:
        """Raises Incomplete where the account was disabled or removed, or has lost a right that the export uses."""
        if self.reader.is_site:
            return
        user = self.reader.user and get_user_model()._default_manager.filter(pk=self.reader.user.pk).first()
        if user is None or not user.is_active:
            raise Incomplete(f"the account of {self.reader} was disabled")
        if self.is_logged_in is not None and not self.is_logged_in():
            raise Incomplete(f"{self.reader} has logged out")
        now = replace(self.reader, user=user)
        for view in self.views:
            try:
                seen = get_source(view.name).view(now)
            except PermissionMissing as error:
                raise Incomplete(str(error)) from None
            if lost := sorted({*seen.withheld} - {*view.withheld}):
                raise Incomplete(f"{self.reader} may no longer see {', '.join(lost)} of {view.name}")
