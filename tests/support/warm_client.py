"""Stands where a program is looked for, and has it started by the process that has imported everything.

Run without what Python imports for others (``-IS``), it is there at once; what it imports itself is as little as it can be.
"""
# ruff: noqa: PTH109 - pathlib takes longer to import than all of this takes to run

import os
import signal
import socket
import sys

HERE, NAME = os.path.split(sys.argv[0])
HERE = os.path.realpath(HERE)  # the path of a socket is short, and a project's folder may not be
AS_INSTALLED = f"{HERE}/installed/{NAME}"
READ_AT_THE_START = ("PYTHON", "LC_", "LANG")
USUAL = {("LC_CTYPE", "C.UTF-8"), ("PYTHONWARNINGS", "once")}
"""Set by Python itself where nothing says otherwise (PEP 538), and by Meltano for its plugins."""


def main():
    """Start the program, pass on the signals that ask for its end, and end as it does."""
    if {(name, value) for name, value in os.environ.items() if name.startswith(READ_AT_THE_START)} - USUAL:
        os.execv(AS_INSTALLED, [AS_INSTALLED, *sys.argv[1:]])  # noqa: S606 - no shell is wanted
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{HERE}/{NAME}.socket")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    text = wanted()
    socket.send_fds(server, [len(text).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(text)
    nothing = os.open(os.devnull, os.O_RDWR)
    for own in (0, 1, 2):  # whoever reads from the program, or writes to it, must notice its end
        os.dup2(nothing, own)
    status = int.from_bytes(server.recv(4), "big")
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def wanted():
    """Return what the program is given, as JSON."""
    import json

    umask = os.umask(0)
    words, environment = [AS_INSTALLED, *sys.argv[1:]], dict(os.environ)
    told = {"words": words, "folder": os.getcwd(), "umask": umask, "environment": environment}
    return json.dumps(told).encode()


main()
