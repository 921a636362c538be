"""Server messages as lines of a terminal: time, label, text."""

from __future__ import annotations

from rich.text import Text

from agent.client import Message

LABEL_STYLES = {
    "partial": "dim",
    "heard": "bold cyan",
    "cues": "magenta",
    "means": "yellow",
    "says": "bold green",
    "person": "bold blue",
    "handoff": "bold red",
    "error": "red",
}


def message_line(message: Message) -> Text | None:
    """The terminal line of a server message; None for messages that are not shown.

    `at` in seconds, a label such as "heard" or "says", then the text.
    """
    labelled_text = _labelled_text(message)
    if labelled_text is None:
        return None
    label, text = labelled_text
    line = Text(f"{message.get('at', 0):7.2f}  ", style="dim")
    line.append(f"{label:<10}", style=LABEL_STYLES.get(label, "dim"))
    line.append(text)
    return line


def _labelled_text(message: Message) -> tuple[str, str] | None:
    match message["type"]:
        case "ready":
            models = ", ".join(name.partition(",")[0] for name in message["models"].values())
            return "ready", f"session {message['session']} with {models}"
        case "partial":
            return "partial", f"{_leg_prefix(message)}{message['text']} …"
        case "transcript":
            words = message["text"] or "(no words)"
            return "heard", f"{_leg_prefix(message)}{words}  [{message['confidence']:.2f}]"
        case "cues":
            return "cues", _cues_text(message)
        case "understanding":
            return "means", _understanding_text(message)
        case "reply":
            return "says", _reply_text(message)
        case "hush":
            return "barge-in", "the customer began to speak: speech stopped"
        case "handoff":
            return "handoff", _handoff_text(message)
        case "agent":
            return "person", f"{message['name']}: {message['text']}"
        case "error":
            return "error", f"{message['code']}: {message['message']}"
        case "bye":
            return "bye", message["reason"]
    return None


def _leg_prefix(message: Message) -> str:
    return "" if message["leg"] == "customer" else f"({message['leg']}) "


def _cues_text(message: Message) -> str:
    parts = []
    if message["emotion"]:
        best = sorted(message["emotion"].items(), key=lambda pair: -pair[1])[:2]
        parts.append(" ".join(f"{label} {p:.2f}" for label, p in best))
    else:
        parts.append("no emotion inferred")
    facts = (("pitch_hz", "Hz"), ("loudness_db", "dB"), ("syllables_per_s", "syllables/s"))
    parts += [f"{message[name]:g} {unit}" for name, unit in facts if message.get(name) is not None]
    parts.append(f"reliability {message['reliability']:.2f}")
    return ", ".join(parts)


def _understanding_text(message: Message) -> str:
    parts = [f"{message['intent']} {message['confidence']:.2f}"]
    parts += [f"{name}={value}" for name, value in message["slots"].items()]
    parts += [f"then {intent} {sure:.2f}" for intent, sure in message.get("also", ())]
    if len(message.get("possible", ())) > 1:
        parts.append(f"possible: {' or '.join(message['possible'])}")
    if message.get("sentiment") is not None:
        parts.append(f"sentiment {message['sentiment']:+.2f}")
    parts.append(f"upset {message['upset']:.2f} ± {message['upset_spread']:.2f}")
    return ", ".join(parts)


def _reply_text(message: Message) -> str:
    words = str(message["text"])
    if message.get("source"):
        words += f"  (from: {message['source']['title']})"
    if message.get("suggestions"):
        words += f"  [{' | '.join(message['suggestions'])}]"
    return words


def _handoff_text(message: Message) -> str:
    words = f"{message['state']}: {message['rule']}, p = {message['probability']:.2f}"
    if message["state"] == "queued":
        return f"{words}; place {message['position']}, about {message['wait_s']} s"
    reasons = [f"{one['term']} {one['weight']:+.2f}" for one in message["evidence"]]
    summary = message["summary"].replace("\n", " / ")
    return f"{words}; because {', '.join(reasons)}; summary: {summary}"
