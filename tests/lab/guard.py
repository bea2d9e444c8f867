"""Runs a command that must not outlive the process that asked for it.

Usage: guard.py DIRECTORY COMMAND...

The asking process holds the other end of this one's standard input. When that
ends, be it closed on purpose or because its holder was killed, the command
and everything it started is killed and DIRECTORY (if not empty) removed.
Signals meant for the asking process do not reach here: only the end of the
input counts.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time


def kill(group):
    """Kills a process group, and gives the last of it a moment to be gone."""
    try:
        for _ in range(200):
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.005)
    except ProcessLookupError:
        pass


def main():
    directory, command = sys.argv[1], sys.argv[2:]
    os.setsid()
    # A session of its own, so that one signal reaches all that it starts.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def watch():
        while os.read(0, 4096):
            pass
        kill(child.pid)

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    kill(child.pid)
    if directory:
        shutil.rmtree(directory, ignore_errors=True)
    # As shells do it: 128 and the signal's number.
    sys.exit(status if status >= 0 else 128 - status)


main()
