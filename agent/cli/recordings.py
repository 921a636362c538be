"""`hearken recordings`: list, export, import, label and convert recordings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agent.config import load_settings as load_settings
from agent.recordings.bundle import load_recording, save_recording
from agent.recordings.recording import RecordingError
from agent.store import open_store
from dialogs.pack.loader import load_pack

recordings_app = typer.Typer(
    help="List, export, import, label and convert recordings.", no_args_is_help=True
)
console = Console()

ConfigOption = Annotated[Path | None, typer.Option(help="The server's settings file.")]
RecordingArgument = Annotated[Path, typer.Argument(help="A recording: a folder or a .zip.")]
OutputArgument = Annotated[Path, typer.Argument(help="The output file.")]


@recordings_app.command("list")
def list_recordings(config: ConfigOption = None, limit: int = 50) -> None:
    """List the conversations that the server has recorded, newest first."""
    settings = load_settings(config)
    records = open_store(settings.state, settings.database).recorded_sessions(limit)
    if not records:
        console.print("No recordings: the customer must consent and the conversation be over.")
        return
    table = Table("session", "began (UTC)", "channel", "ended (UTC)", box=None, pad_edge=False)
    for one in records:
        table.add_row(one.id, _minute_text(one.began_at), one.channel, _minute_text(one.ended_at))
    console.print(table)


@recordings_app.command("export")
def export_command(
    session: Annotated[str, typer.Argument(help="A session's id, or its first characters.")],
    out: Annotated[Path, typer.Argument(help="A folder to be made, or a .zip.")],
    config: ConfigOption = None,
) -> None:
    """Export a conversation that the server has recorded, as a folder or a .zip."""
    from agent.recordings.export import export_recording

    settings = load_settings(config)
    recording = export_recording(open_store(settings.state, settings.database), session, out)
    audio_text = f" and {recording.audio_s:.0f} s of audio" if recording.audio else ""
    _print_line(f"{out}: {len(recording.rows)} inputs{audio_text}")


@recordings_app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(help="A sound file or a chat log.")],
    out: Annotated[Path, typer.Argument(help="A folder to be made, or a .zip.")],
    transcript: Annotated[
        Path | None,
        typer.Option(help="The customer's words: .vtt, .srt, or one line for each turn."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Import a call or a chat of another system as a recording.

    A stereo file has the customer on the left. A chat log has lines such as "Customer: my card is
    gone", optionally with times in front.
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
    notes: Annotated[list[str], typer.Argument(help="NAME=VALUE; an empty value removes it.")],
) -> None:
    """Label a recording. `hearken replay --policy` uses needed_person=yes (or no)."""
    labels = dict(load_recording(recording).labels)
    for note in notes:
        name, separator, value = note.partition("=")
        if not separator or not name:
            raise RecordingError(f"{note!r} is not NAME=VALUE, such as needed_person=yes")
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
    """Convert a recording to WebVTT captions."""
    from agent.recordings.webvtt import webvtt_text

    out.write_text(webvtt_text(load_recording(recording)), encoding="utf-8")
    _print_line(f"{out}: written")


@recordings_app.command("vcon")
def write_vcon(
    recording: RecordingArgument, out: OutputArgument, config: ConfigOption = None
) -> None:
    """Convert a recording to a vCon 0.4.0, including its audio."""
    from agent.recordings.vcon import vcon_json

    pack = load_pack(load_settings(config).pack)
    out.write_text(vcon_json(load_recording(recording), pack), encoding="utf-8")
    _print_line(f"{out}: written")


@recordings_app.command("wav")
def write_wav(recording: RecordingArgument, out: OutputArgument) -> None:
    """Convert a recording's audio to WAV: one channel for each leg, aligned to the call."""
    from agent.recordings.wav import wav_bytes

    out.write_bytes(wav_bytes(load_recording(recording)))
    _print_line(f"{out}: written")


def _print_line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _minute_text(moment: str) -> str:
    return moment[:16].replace("T", " ")
