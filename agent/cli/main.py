"""The commands of `hearken`, as a Typer application.

server.py adds `serve`, because only server.py may open listening sockets. Long work shows its
progress; an error that the user can correct ends in one sentence and exit code 2, never in a
traceback (tests/agent/cli/test_main.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.cli.call import CallerConsent
from agent.cli.call import call as call_recordings
from agent.cli.call import chat as chat_in_terminal
from agent.cli.erase import NothingToErase, erase
from agent.cli.explain import print_explanation, print_sessions
from agent.cli.models import models_app
from agent.cli.offers import print_offer_report as show_offers
from agent.cli.recordings import recordings_app
from agent.cli.replay import replay
from agent.cli.requests import requests
from agent.cli.test import NoConversations, run_conversation_tests
from agent.cli.tune import tune_app
from agent.client import ServerRefusal
from agent.config import PACKAGE_DIR, SettingsError, load_settings
from agent.handoff.webhook import WebhookError
from agent.inference.engine import ModelsError
from agent.lab.bench import BenchError
from agent.lab.bench.command import bench
from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.command import evaluate_ears
from agent.lab.evaluation.escalation.command import evaluate_escalation, train_trouble
from agent.lab.evaluation.fusion.command import evaluate_fusion
from agent.lab.evaluation.goals_command import show_goals
from agent.lab.evaluation.understanding.command import evaluate_understanding
from agent.recordings.recording import RecordingError
from agent.store import NothingStored, open_store
from audio.codecs import Encoding
from audio.types import AudioError
from dialogs.pack.yaml_source import PackError

DEFAULT_URL = "ws://127.0.0.1:8765/v1/session"
USER_ERRORS = (
    AudioError,
    BenchError,
    EvaluationError,
    ModelsError,
    NoConversations,
    NothingStored,
    NothingToErase,
    PackError,
    RecordingError,
    ServerRefusal,
    SettingsError,
    WebhookError,
    FileNotFoundError,
)

app = typer.Typer(
    help="A customer-service agent that listens to how something is said.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
train_app = typer.Typer(help="Train the models that come with Hearken.", no_args_is_help=True)
app.add_typer(train_app, name="train")
evaluate_app = typer.Typer(help="Measure the quality of the models.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(models_app, name="models")
app.add_typer(tune_app, name="tune")
app.add_typer(bench, name="bench")
app.add_typer(recordings_app, name="recordings")

UrlOption = Annotated[str, typer.Option("--url", help="The server's session address.")]
TokenOption = Annotated[str, typer.Option("--token", help="The server's `token` setting.")]
RecordOption = Annotated[bool, typer.Option("--record", help="The caller consents to recording.")]


@app.command()
def chat(
    url: UrlOption = DEFAULT_URL, token: TokenOption = "", record: RecordOption = False
) -> None:
    """Chat with a running server; piped lines are sent one after the other."""
    chat_in_terminal(url, token, record, Console())


@app.command()
def call(
    recordings: Annotated[
        list[Path], typer.Argument(help="Sound files; each starts after the answer to the last.")
    ],
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = "",
    encoding: Annotated[
        Encoding | None, typer.Option(help="Audio encoding; mulaw at 8 kHz, else pcm_s16le.")
    ] = None,
    emotion: Annotated[bool, typer.Option(help="The caller consents to emotion analysis.")] = True,
    record: RecordOption = False,
    save: Annotated[
        Path | None, typer.Option(help="Write the server's speech to this sound file.")
    ] = None,
) -> None:
    """Stream sound files in real time to a running server and show its transcripts and replies."""
    consent = CallerConsent(record, emotion)
    call_recordings(url, recordings, encoding, consent, token, save, Console())


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Option(help="The settings file to check.")] = None,
) -> None:
    """Check the installation: packages, settings, pack, and the active models with licences."""
    from agent.cli.doctor import print_checks  # loads the models

    raise typer.Exit(print_checks(config, Console()))


@app.command("explain")
def explain_session(
    session: Annotated[
        str, typer.Argument(help="A session's id, or its first characters; omit to list sessions.")
    ] = "",
    config: Annotated[Path | None, typer.Option(help="The server's settings file.")] = None,
    turn: Annotated[int | None, typer.Option(help="Show only this turn.")] = None,
) -> None:
    """Show why a conversation was, or was not, handed to a person: the evidence of each turn."""
    settings = load_settings(config)
    store = open_store(settings.state, settings.database)
    if session:
        print_explanation(store, session, turn, Console())
    else:
        print_sessions(store, Console())


@app.command()
def offers(
    config: Annotated[Path | None, typer.Option(help="The server's settings file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show acceptance of the offers made, and an estimate for always making the top-scored one."""
    settings = load_settings(config)
    show_offers(open_store(settings.state, settings.database).read_offers(), as_json, Console())


@train_app.command()
def ears(
    data: Annotated[Path, typer.Option(help="Folder of the speech sets (see agent/lab/training).")],
    out: Annotated[Path, typer.Option(help="Output folder for weights.")] = PACKAGE_DIR / "weights",
    work: Annotated[Path, typer.Option(help="Checkpoints; training resumes from them.")] = Path(
        ".hearken/ears"
    ),
    minutes: Annotated[float, typer.Option(help="Minutes of letter and phone training.")] = 48.0,
    start: Annotated[
        Path | None,
        typer.Option(help="Weights folder to continue from, such as agent/weights/ears."),
    ] = None,
) -> None:
    """Train the speech encoder, the transcriber and the emotion head."""
    from agent.lab.training.ears.run import train_ears  # torch is slow to import
    from agent.lab.training.ears.train import Recipe

    recipe = Recipe(minutes=minutes, start_from=str(start or ""))
    train_ears(data, out, work, Console(), recipe)


@train_app.command()
def understanding(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the public text sets; default: the pack alone.")
    ] = None,
    pack: Annotated[Path, typer.Option(help="The pack whose intents are trained.")] = (
        PACKAGE_DIR.parent / "dialogs" / "bank"
    ),
    out: Annotated[Path, typer.Option(help="Output folder for weights.")] = PACKAGE_DIR / "weights",
    spoken: Annotated[
        bool, typer.Option(help="Also train on the transcriber's output for the spoken sentences.")
    ] = True,
    sentence_checkpoint: Annotated[
        str, typer.Option(help="Also use this sentence encoder: folder or hub name.")
    ] = "",
    work: Annotated[Path, typer.Option(help="Cache of transcripts.")] = Path(
        ".hearken/understanding"
    ),
) -> None:
    """Train intent, sentiment and upset on a pack's examples and the public text sets."""
    from agent.lab.training.understanding.train import train_understanding

    transcript_cache = work if spoken else None
    train_understanding(data, out, pack, Console(), None, transcript_cache, sentence_checkpoint)


train_app.command("trouble")(train_trouble)


@train_app.command()
def fusion(
    data: Annotated[Path, typer.Option(help="Folder of the public text sets.")],
    out: Annotated[Path, typer.Option(help="Output folder for weights.")] = PACKAGE_DIR / "weights",
) -> None:
    """Train the text vectors that `hearken evaluate fusion` combines with voice cues."""
    from agent.lab.training.fusion.train import train_word_vectors

    train_word_vectors(data, out, Console())


app.command("erase")(erase)
app.command("requests")(requests)
app.command("replay")(replay)
app.command("test")(run_conversation_tests)
evaluate_app.command("ears")(evaluate_ears)
evaluate_app.command("understanding")(evaluate_understanding)
evaluate_app.command("goals")(show_goals)
evaluate_app.command("fusion")(evaluate_fusion)
evaluate_app.command("escalation")(evaluate_escalation)


def main() -> None:
    """The `hearken` command; errors that the user can correct end without a traceback."""
    try:
        app(standalone_mode=True)
    except USER_ERRORS as error:
        message = f"hearken: {error}"
        Console(stderr=True).print(message, style="red", markup=False, soft_wrap=True)
        raise SystemExit(2) from None
