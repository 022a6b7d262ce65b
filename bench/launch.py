# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one command and writes what it took, as a line of JSON, to the standard error: `python -m bench.launch COMMAND`.

A process of its own, for Linux lets a child's peak memory begin at that of the process that forked it (execve keeps
the larger of the two in getrusage): this one is small, the bench itself is not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> int:
    """Run the command with our standard streams; its exit status, negative for a signal."""
    begun = time.monotonic()
    process = subprocess.Popen(sys.argv[1:])  # noqa: S603
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    taken = {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        # getrusage(2): kilobytes
        "peak_bytes": usage.ru_maxrss * 1024,
        "exit_status": process.returncode,
    }
    print(json.dumps(taken), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
