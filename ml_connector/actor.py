"""Who does something, for the audit: whom the operating system says it is, not what the environment claims."""

from __future__ import annotations

import getpass
import os
import platform

__all__ = ["actor"]


def actor(program: str = "ml-connector") -> str:
    """Return who runs a program: account and id as the operating system has them, who called sudo, and the machine.

    Only sudo itself sets ``SUDO_USER`` where a person becomes root; a person who is root already can set it to
    anything, so it is named as what it is: a claim beside the id.
    """
    via = f", SUDO_USER {os.environ['SUDO_USER']}" if os.environ.get("SUDO_USER") else ""
    return f"{program} as {_account()}{via}@{platform.node()}"


def _account() -> str:
    if not hasattr(os, "getuid"):  # Windows: the login name is all there is
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "unknown"
    import pwd  # noqa: PLC0415 - there is none on Windows

    uid = os.getuid()
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:  # a container's user without an account
        return f"uid {uid}"
