"""A console without configuration: only for this machine, and never beside a token that is set."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from agent.config import Settings
from agent.console.local_access import console_link, with_local_console


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_a_server_for_this_machine_alone_gets_a_token(host):
    settings = with_local_console(Settings(host=host), lambda: "drawn")
    assert settings.agent_token.get_secret_value() == "drawn"
    assert settings.supervisor_token.get_secret_value() == ""
    assert "drawn" not in str(settings.masked_values())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hearken.example", ""])
def test_a_server_that_others_can_reach_does_not(host):
    settings = Settings(host=host)
    assert with_local_console(settings, lambda: "drawn") is settings


@pytest.mark.parametrize("name", ["agent_token", "supervisor_token"])
def test_nothing_is_drawn_where_a_token_is_set(name):
    settings = Settings(**{name: SecretStr("given")})
    assert with_local_console(settings, lambda: pytest.fail("drawn")) is settings


def test_the_token_is_in_the_fragment_which_is_sent_to_no_server():
    link = console_link("http://127.0.0.1:8765/", "drawn")
    assert link == "http://127.0.0.1:8765/console#token=drawn"
