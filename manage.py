#!/usr/bin/env python
"""Django's command line for LogSite."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logsite.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting that does not fit is no reason for a traceback
        sys.exit(f"{sys.argv[0]}: {error}")


if __name__ == "__main__":
    main()
