"""Writes the files that name the version of a release: its notes and the templates.

Usage: files.py VERSION FOLDER
"""

import re
import sys
from pathlib import Path

VERSION, FOLDER = sys.argv[1], Path(sys.argv[2])


def replace(pattern: str, by: str, text: str, where: Path) -> str:
    text, count = re.subn(pattern, by, text, count=1, flags=re.MULTILINE)
    if count == 0:
        sys.exit(f"{where} has no place for the version: nothing in it is like {pattern}")
    return text


def notes() -> str:
    headed = rf"^## \[{re.escape(VERSION)}\].*\n((?:(?!## |\[.*\]: ).*\n)*)"
    section = re.search(headed, Path("CHANGELOG.md").read_text(), re.MULTILINE)
    if not section or not section[1].strip():
        sys.exit(f"CHANGELOG.md tells nothing of version {VERSION}: it needs a section ## [{VERSION}]")
    return section[1].strip() + "\n"


def template(path: Path) -> str:
    text = replace(r"^Description: >-\n(  .+\n)+", rf"\g<0>  Version {VERSION}.\n", path.read_text(), path)
    if re.search("^  CodeKey:$", text, re.MULTILINE):
        # The template's default processor is arm64.
        default = r"^(  CodeKey:\n(?:    .+\n)*?    Default: ).+"
        text = replace(default, rf"\g<1>alb-nlb-binding-{VERSION}-arm64.zip", text, path)
    return text


(FOLDER / "RELEASE-NOTES.md").write_text(notes())
for path in Path("cfn").glob("*.yaml"):
    (FOLDER / path.name).write_text(template(path))
