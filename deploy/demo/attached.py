"""Run a command that cannot outlive the process that started it, not even one that was killed.

    python -m deploy.demo.attached PARENT COMMAND [ARGUMENT…]

PARENT is the process id of the starter. The kernel tells the command of its parent's end by SIGTERM; this
wish survives exec. Only Linux knows it; elsewhere the command runs without.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the kernel knew of the wish
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # a shell between would be the process that is told


if __name__ == "__main__":
    main()
