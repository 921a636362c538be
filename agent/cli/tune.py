"""`hearken tune`: commands that measure and set how long Hearken waits before it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from audio.text_endpointing import ENDINGS_FILE

tune_app = typer.Typer(help="Measure and set when turns end.", no_args_is_help=True)
console = Console()


TURNS_HELP = (
    "Show the trade-off between waiting time and cut-off turns, and write the best silences.\n\n"
    "The folder holds turns.jsonl, one line for each recording, such as "
    '{"path": "a.wav", "expect": {"kind": "digits", "length": 6}, "speaker": "s1", '
    '"turns": [[0.4, 2.1]]}. Only path is needed. expect is the question that was asked: kind open '
    "(when missing), yes_no, digits, amount, date, name or choice, the length of a number, the "
    "choices. turns are the seconds at which the customer's turns start and end; without them a "
    "file is one turn, from its first voice to its last.\n\n"
    "Or the folder holds the public sets: speech/SET.jsonl.gz and speech/SET.zip."
)


@tune_app.command(help=TURNS_HELP)
def turns(
    recordings: Annotated[Path, typer.Option(help="Folder of labelled recordings.")],
    out: Annotated[
        Path, typer.Option(help="The settings file; its section `turns` is written.")
    ] = Path("hearken.toml"),
    json: Annotated[Path | None, typer.Option(help="Also write all figures to this file.")] = None,
    cut_offs: Annotated[
        float, typer.Option(min=0, max=1, help="Share of turns that may be cut off.")
    ] = 0.05,
    least: Annotated[
        float, typer.Option(min=0.1, max=2, help="Shortest silence to choose, in seconds.")
    ] = 0.3,
    words: Annotated[bool, typer.Option(help="Use the words, too; slow the first time.")] = True,
    split: Annotated[
        Literal["train", "dev", "test"],
        typer.Option(help="Part of the public sets; test only measures, it chooses nothing."),
    ] = "dev",
    work: Annotated[Path, typer.Option(help="Cache of transcripts.")] = Path(".hearken/turns"),
) -> None:
    from agent.lab.training.turns.policy_choice import TurnTuningOptions  # torch is slow to import
    from agent.lab.training.turns.run import tune_turns

    tune_turns(
        recordings, out, split, json, TurnTuningOptions(cut_offs, least, words), work, console
    )


@tune_app.command()
def endings(
    data: Annotated[Path, typer.Option(help="Folder of the public text sets.")],
    out: Annotated[Path, typer.Option(help="Output file for the counts.")] = ENDINGS_FILE,
) -> None:
    """Count the words after which customers' turns end."""
    from agent.lab.training.turns.endings import count_endings

    count_endings(data, out, console)
