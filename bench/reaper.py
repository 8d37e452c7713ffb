"""Runs a command and adopts what its processes leave behind, so that their CPU is counted.

`python -m bench.reaper COMMAND…`, on Linux. Some of sshd's processes end without anybody waiting
for their children; init would take those, and what they used would be lost. Here all of it is
in this process's `/proc/PID/stat`, as CPU of its children.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


def main(command: Sequence[str]) -> int:
    """Run `command` until it ends, which SIGTERM asks of it; its exit status."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel knows no subreapers")
    child = os.posix_spawn(command[0], list(command), os.environ)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
