"""`hearken test`: play the conversation tests of a pack.

agent/cli/main.py imports this file for every command, so it imports slow modules only when it runs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from agent.config import SettingsError, load_settings
from dialogs.pack.fingerprint import TESTS_FOLDER

if TYPE_CHECKING:
    from agent.conversation_tests.case import ConversationCase
    from agent.conversation_tests.run import CaseResult

PACK_FILE = "pack.yaml"


class NoConversations(ValueError):
    """Nothing to play."""


def run_conversation_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PACK] [FILES]...",
            help="A pack's folder, and files of its conversations; default: all of the pack.",
        ),
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Only conversations with one of these tags.")
    ] = None,
    name_part: Annotated[
        str, typer.Option("-k", help="Only conversations with this in their name.")
    ] = "",
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Name the conversations that pass, too.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file.")] = None,
    json_out: Annotated[
        str | None, typer.Option("--json", help="Write all results as JSON; -: to standard output.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The settings file.")] = None,
) -> None:
    """Play the conversations that are written beside a pack, and check what comes of them.

    Exit code 0: all as expected; 1: some are not; 2: a file or the pack has a mistake.
    """
    from agent.conversation_tests.loader import conversation_files
    from agent.conversation_tests.report import print_result, print_summary
    from agent.conversation_tests.run import ConversationTestRun

    console, began = Console(stderr=json_out == "-"), time.perf_counter()
    pack_folder, files = _pack_and_files(paths or [])
    settings = load_settings(config, pack=pack_folder)
    with ConversationTestRun(settings) as run:
        files = files or conversation_files(run.pack.directory)
        if not files:
            raise NoConversations(f"{run.pack.directory / TESTS_FOLDER}: no .yaml files to play")
        cases = run.load(files)
        tags = [*(tags or ())]
        _require_known_tags(tags, cases)
        cases = [one for one in cases if _is_wanted(one, tags, name_part)]
        if not cases:
            raise NoConversations(f'no such conversation has "{name_part}" in its name')
        results = []
        with console.status("loading the models") as status:
            for case in cases:
                result = run.play(case)
                results.append(result)
                status.update(f"{len(results)} of {len(cases)} conversations")
                if verbose or not result.has_passed:
                    print_result(result, console)
    seconds = time.perf_counter() - began
    print_summary(results, seconds, console)
    _write_reports(results, seconds, junit, json_out)
    raise typer.Exit(0 if all(one.has_passed for one in results) else 1)


def _write_reports(
    results: Sequence[CaseResult], seconds: float, junit: Path | None, json_out: str | None
) -> None:
    from agent.conversation_tests.report import results_as_json, write_junit

    if junit is not None:
        write_junit(results, junit)
    if json_out is not None:
        report = json.dumps(results_as_json(results, seconds), indent=1, ensure_ascii=False) + "\n"
        if json_out == "-":
            sys.stdout.write(report)
        else:
            Path(json_out).write_text(report, encoding="utf-8")


def _require_known_tags(tags: list[str], cases: list[ConversationCase]) -> None:
    from dialogs.pack.yaml_source import missing_text

    known = dict.fromkeys(tag for one in cases for tag in one.tags)
    for tag in tags:
        if tag not in known:
            raise NoConversations(missing_text("tag", tag, known))


def _is_wanted(case: ConversationCase, tags: list[str], name_part: str) -> bool:
    has_tag = not tags or any(tag in case.tags for tag in tags)
    return has_tag and name_part.casefold() in case.name.casefold()


def _pack_and_files(paths: list[Path]) -> tuple[Path | None, list[Path]]:
    """The pack's folder, None for that of the settings, and the files; empty for all of its."""
    pack_folder: Path | None = None
    files: list[Path] = []
    for path in paths:
        if (path / PACK_FILE).is_file():
            pack_folder = path
        elif path.is_dir():
            files += sorted(path.rglob("*.yaml"))
        elif path.is_file():
            files.append(path)
        else:
            raise SettingsError(f"{path}: neither a pack's folder nor a file of conversations")
    if pack_folder is None and files:
        beside = (one.parent for file in files for one in file.resolve().parents)
        pack_folder = next((one for one in beside if (one / PACK_FILE).is_file()), None)
    return pack_folder, files
