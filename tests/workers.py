"""The worker processes of pytest-xdist: how many there are, and which services each has to itself.

Where a variable of SERVICES holds several addresses with spaces between them, worker gw0 takes the first, gw1 the
second, and so on; `.ci/services` writes such variables.
"""

import os

# A Docker engine has one set of containers; a Redis server hands each message to all its databases; an open
# transaction in any database of a PostgreSQL server holds back what LogSite reads: none can be shared.
SERVICES = ("LOGSITE_TEST_DOCKER", "LOGSITE_TEST_REDIS", "DATABASE_URL")
WORKERS = 4  # on two cores: the tests wait for devices, hosts and timers for more than half of their time

# The workers inherit the environment of the first process, whose variables hold its own addresses by then.
ADDRESSES = {
    name: os.environ.setdefault(f"ALL_{name}", os.environ.get(name, "")).split() for name in SERVICES
}


def own_address(name: str) -> str:
    """The address of this process's own service. IndexError where there are fewer than workers."""
    return ADDRESSES[name][int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))]


def worker_count() -> int:
    """The workers that `-n auto` starts: WORKERS, or as many as PYTEST_XDIST_AUTO_NUM_WORKERS says; not more than
    there are addresses of each service that is named."""
    wanted = int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or WORKERS)
    return min([wanted, *(len(addresses) for addresses in ADDRESSES.values() if addresses)])
