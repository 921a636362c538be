"""How is `hearken recordings` called? Recordings in and out, and what others can read of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agent.cli.explain import open_store
from agent.config import load as load_settings
from agent.recordings.bundle import load, save
from agent.recordings.recording import RecordingError

shelf = typer.Typer(
    help="Keep, import, label and pass on recorded conversations.", no_args_is_help=True
)
console = Console()

Config = Annotated[Path | None, typer.Option(help="The server's settings file.")]
One = Annotated[Path, typer.Argument(help="A recording: a folder or a .zip.")]
Out = Annotated[Path, typer.Argument(help="Where it goes.")]


@shelf.command("list")
def list_kept(config: Config = None, limit: int = 50) -> None:
    """The conversations that the server has recorded, newest first."""
    settings = load_settings(config)
    kept = open_store(settings.state, settings.database).recordings(limit)
    if not kept:
        console.print("None is recorded: customers have to agree, and the conversation to be over.")
        return
    table = Table("session", "began (UTC)", "channel", "ended (UTC)", box=None, pad_edge=False)
    for one in kept:
        table.add_row(one.id, _short(one.began_at), one.channel, _short(one.ended_at))
    console.print(table)


@shelf.command("export")
def export_one(
    session: Annotated[str, typer.Argument(help="A session's id, or how it begins.")],
    out: Annotated[Path, typer.Argument(help="A folder to be made, or a .zip.")],
    config: Config = None,
) -> None:
    """Write a conversation that the server has recorded into a folder or a .zip."""
    from agent.recordings.export import export

    settings = load_settings(config)
    recording = export(open_store(settings.state, settings.database), session, out)
    sound = f" and {recording.audio_s:.0f} s of sound" if recording.sound else ""
    _say(f"{out}: {len(recording.rows)} inputs{sound}")


@shelf.command("import")
def import_one(
    source: Annotated[Path, typer.Argument(help="A sound file, or the log of a chat.")],
    out: Annotated[Path, typer.Argument(help="A folder to be made, or a .zip.")],
    transcript: Annotated[
        Path | None,
        typer.Option(help="What the customer says in it: .vtt, .srt, or a line for each turn."),
    ] = None,
    config: Config = None,
) -> None:
    """Make a recording of a call or a chat that took place elsewhere.

    A stereo file has the customer on the left. A chat's log has lines such as "Customer: my card is
    gone", perhaps with times in front.
    """
    from agent.replay.builds import Here
    from agent.replay.importing import imported
    from agent.replay.live_models import Models

    here = Here.of(load_settings(config))
    models = Models(here.settings, here.build.pack)
    recording = imported(source, transcript, here, models, datetime.now().astimezone())
    save(recording, out)
    _say(f"{out}: {len(recording.rows)} inputs, {recording.seconds:.0f} s")


@shelf.command()
def label(
    recording: One,
    notes: Annotated[list[str], typer.Argument(help="NAME=VALUE; an empty value takes it away.")],
) -> None:
    """Note something about a recording, such as needed_person=yes: policies are judged by that."""
    labels = dict(load(recording).labels)
    for note in notes:
        name, there, value = note.partition("=")
        if not there or not name:
            raise RecordingError(f"{note!r} is no NAME=VALUE, such as needed_person=yes")
        if name == "needed_person" and value not in ("yes", "no", ""):
            raise RecordingError(f"needed_person is yes or no, not {value!r}")
        labels[name] = value
    labels = {name: value for name, value in labels.items() if value}
    save(replace(load(recording), labels=labels), recording)
    _say(f"{recording}: {', '.join(f'{name}={value}' for name, value in labels.items()) or 'none'}")


@shelf.command("captions")
def write_captions(recording: One, out: Out) -> None:
    """Write what was said as WebVTT."""
    from agent.recordings.webvtt import captions

    out.write_text(captions(load(recording)), encoding="utf-8")
    _say(f"{out}: written")


@shelf.command("vcon")
def write_vcon(recording: One, out: Out, config: Config = None) -> None:
    """Write it as a vCon 0.4.0, with its sound inside."""
    from agent.recordings.vcon import vcon
    from dialogs.pack.model import Pack

    pack = Pack.load(load_settings(config).pack)
    out.write_text(vcon(load(recording), pack), encoding="utf-8")
    _say(f"{out}: written")


@shelf.command("wav")
def write_wav(recording: One, out: Out) -> None:
    """Write its sound as one WAV: a channel for each leg, in the time of the call."""
    from agent.recordings.wav import wav

    out.write_bytes(wav(load(recording)))
    _say(f"{out}: written")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
