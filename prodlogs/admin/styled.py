"""How the admin pages of container logs look."""


class Styled:
    """The pages' own looks."""

    class Media:
        css = {"all": ("logsite/containers.css",)}
