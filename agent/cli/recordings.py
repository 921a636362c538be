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
from agent.config import load_settings as load_settings
from agent.recordings.bundle import load_recording, save_recording
from agent.recordings.recording import RecordingError

recordings_app = typer.Typer(
    help="Keep, import, label and pass on recorded conversations.", no_args_is_help=True
)
console = Console()

ConfigOption = Annotated[Path | None, typer.Option(help="The server's settings file.")]
RecordingArgument = Annotated[Path, typer.Argument(help="A recording: a folder or a .zip.")]
OutputArgument = Annotated[Path, typer.Argument(help="Where it goes.")]


@recordings_app.command("list")
def list_recordings(config: ConfigOption = None, limit: int = 50) -> None:
    """The conversations that the server has recorded, newest first."""
    settings = load_settings(config)
    records = open_store(settings.state, settings.database).recorded_sessions(limit)
    if not records:
        console.print("None is recorded: customers have to agree, and the conversation to be over.")
        return
    table = Table("session", "began (UTC)", "channel", "ended (UTC)", box=None, pad_edge=False)
    for one in records:
        table.add_row(one.id, _minute_text(one.began_at), one.channel, _minute_text(one.ended_at))
    console.print(table)


@recordings_app.command("export")
def export_command(
    session: Annotated[str, typer.Argument(help="A session's id, or how it begins.")],
    out: Annotated[Path, typer.Argument(help="A folder to be made, or a .zip.")],
    config: ConfigOption = None,
) -> None:
    """Write a conversation that the server has recorded into a folder or a .zip."""
    from agent.recordings.export import export_recording

    settings = load_settings(config)
    recording = export_recording(open_store(settings.state, settings.database), session, out)
    audio_text = f" and {recording.audio_s:.0f} s of sound" if recording.audio else ""
    _print_line(f"{out}: {len(recording.rows)} inputs{audio_text}")


@recordings_app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(help="A sound file, or the log of a chat.")],
    out: Annotated[Path, typer.Argument(help="A folder to be made, or a .zip.")],
    transcript: Annotated[
        Path | None,
        typer.Option(help="What the customer says in it: .vtt, .srt, or a line for each turn."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a recording of a call or a chat that took place elsewhere.

    A stereo file has the customer on the left. A chat's log has lines such as "Customer: my card is
    gone", perhaps with times in front.
    """
    from agent.replay.builds import LocalBuild
    from agent.replay.importing import import_conversation
    from agent.replay.live_models import LiveModels

    build = LocalBuild.from_settings(load_settings(config))
    models = LiveModels(build.settings, build.target.pack)
    recording = import_conversation(source, transcript, build, models, datetime.now().astimezone())
    save_recording(recording, out)
    _print_line(f"{out}: {len(recording.rows)} inputs, {recording.duration_s:.0f} s")


@recordings_app.command()
def label(
    recording: RecordingArgument,
    notes: Annotated[list[str], typer.Argument(help="NAME=VALUE; an empty value takes it away.")],
) -> None:
    """Note something about a recording, such as needed_person=yes: policies are judged by that."""
    labels = dict(load_recording(recording).labels)
    for note in notes:
        name, separator, value = note.partition("=")
        if not separator or not name:
            raise RecordingError(f"{note!r} is no NAME=VALUE, such as needed_person=yes")
        if name == "needed_person" and value not in ("yes", "no", ""):
            raise RecordingError(f"needed_person is yes or no, not {value!r}")
        labels[name] = value
    labels = {name: value for name, value in labels.items() if value}
    save_recording(replace(load_recording(recording), labels=labels), recording)
    _print_line(
        f"{recording}: {', '.join(f'{name}={value}' for name, value in labels.items()) or 'none'}"
    )


@recordings_app.command("captions")
def write_captions(recording: RecordingArgument, out: OutputArgument) -> None:
    """Write what was said as WebVTT."""
    from agent.recordings.webvtt import webvtt_text

    out.write_text(webvtt_text(load_recording(recording)), encoding="utf-8")
    _print_line(f"{out}: written")


@recordings_app.command("vcon")
def write_vcon(
    recording: RecordingArgument, out: OutputArgument, config: ConfigOption = None
) -> None:
    """Write it as a vCon 0.4.0, with its sound inside."""
    from agent.recordings.vcon import vcon_json
    from dialogs.pack.model import Pack

    pack = Pack.load(load_settings(config).pack)
    out.write_text(vcon_json(load_recording(recording), pack), encoding="utf-8")
    _print_line(f"{out}: written")


@recordings_app.command("wav")
def write_wav(recording: RecordingArgument, out: OutputArgument) -> None:
    """Write its sound as one WAV: a channel for each leg, in the time of the call."""
    from agent.recordings.wav import wav_bytes

    out.write_bytes(wav_bytes(load_recording(recording)))
    _print_line(f"{out}: written")


def _print_line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _minute_text(moment: str) -> str:
    return moment[:16].replace("T", " ")
