"""Close what dead processes left open."""

import time
from typing import Any

from logsite.commands import SiteCommand
from logsite.housekeeping import heartbeats as processes


class Command(SiteCommand):
    help = (
        "Close, as failed, the sessions of collecting processes that are dead. Every collecting process does so by "
        "itself when it starts and while it runs; this is for when none will. Watches the heartbeats of processes "
        "on other machines for a minute."
    )
    requires_system_checks = ["logsite", "sessionlogs"]

    def handle(self, **options: Any) -> None:
        observation, closed = processes.Observation(), 0
        for look in range(processes.LOOKS):
            for process in observation.dead():
                closed += processes.close_process(process)
            if not observation.undecided:
                break
            if look < processes.LOOKS - 1:
                time.sleep(processes.BEAT)
        self.stdout.write(f"{closed} sessions closed")
