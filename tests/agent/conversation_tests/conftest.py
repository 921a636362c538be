"""One run of conversation tests for all: its pack, its bank and its models are loaded once."""

from __future__ import annotations

import pytest

from agent.conversation_tests.run import ConversationTestRun


@pytest.fixture(scope="session")
def run(here, models):
    with ConversationTestRun(here.settings) as one:
        one.models = models  # those of all tests
        yield one


@pytest.fixture
def play(run, tmp_path):
    """Plays the conversation that this YAML is, without its name; its result."""

    def played(yaml: str):
        lines = "".join(f"    {line}\n" for line in yaml.strip("\n").splitlines())
        file = tmp_path / "played.yaml"
        file.write_text("conversations:\n  - name: it\n" + lines)
        (case,) = run.load([file])
        return run.play(case)

    return played


IDENTIFIED = 'identity: {customer_number: "100421", passcode: "4471"}\n'
