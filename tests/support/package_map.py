"""The package map of docs/architecture.md: each package's docstring, and its modules.

`python -m tests.support.package_map` rewrites the part between its two markers
(tests/test_docs.py checks that it is current).
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN_MARK = "<!-- packages: written by `python -m tests.support.package_map` -->"
END_MARK = "<!-- /packages -->"
HEADER = ("| package | what it is | modules |", "|---|---|---|")


def with_map(document: str) -> str:
    """The document with a current map between its markers. ValueError without them."""
    before, begin, rest = document.partition(BEGIN_MARK)
    _, end, after = rest.partition(END_MARK)
    if not (begin and end):
        raise ValueError(f"the document needs the lines {BEGIN_MARK} and {END_MARK}")
    rows = "\n".join([*HEADER, *map(_row, _packages())])
    return f"{before}{BEGIN_MARK}\n\n{rows}\n\n{END_MARK}{after}"


def _packages() -> list[Path]:
    """All packages but those below agent/lab, which is a world of its own."""
    inits = [init for top in ("agent", "dialogs", "audio") for init in ROOT.glob(f"{top}/**/*.py")]
    folders = {init.parent for init in inits if init.name == "__init__.py"}
    lab = ROOT / "agent" / "lab"
    return sorted(folder for folder in folders if lab not in folder.parents)


def _row(folder: Path) -> str:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    modules = sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
    if folder.name == "lab":
        modules = sorted(init.parent.name + "/" for init in folder.glob("*/__init__.py"))
    summary = docstring.partition("\n")[0].rstrip(".")
    return f"| `{folder.relative_to(ROOT).as_posix()}/` | {summary} | {' '.join(modules)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(with_map(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
