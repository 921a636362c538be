"""Console access without configuration, for a server that only this machine can reach.

A server that listens on a loopback address and has neither `agent_token` nor `supervisor_token`
gets a random agent token for this run, and prints a link that carries it. The token is in the
link's fragment, which browsers send to no server, and it is never logged. On any other address
nothing is made up: there the console stays closed until a token is set
(tests/agent/console/test_local_access.py, tests/system/test_local_console.py).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from pydantic import SecretStr

from agent.config import Settings


def with_local_console(settings: Settings, new_token: Callable[[], str]) -> Settings:
    """The settings, with an agent token for this run where only this machine can connect and no
    token is set. `new_token` returns a random one that fits into an address."""
    if settings.has_console or not _is_loopback(settings.host):
        return settings
    return settings.model_copy(update={"agent_token": SecretStr(new_token())})


def console_link(page: str, token: str) -> str:
    """The address that logs a browser in at the console; `page` is the server's, with its slash."""
    return f"{page}console#token={token}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # another name, or every address
        return False
