"""Prints the licenses of the crates in the packages, whose texts must be passed on with them.

It prints each text once, under the names of the crates that contain it. cargo-about would take minutes, and would
make up the copyright lines of some crates.
"""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

TARGETS = ("aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu")
NAMES = re.compile(r"(licen[cs]e|copying|copyright|notice)", re.IGNORECASE)


def cargo(*arguments: str) -> str:
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked() -> set[tuple[str, ...]]:
    """The crates that are in one of the binaries, as names and versions."""
    form = ("--edges=normal,no-proc-macro", "--prefix=none", "--no-dedupe", "--format={p}")
    trees = [cargo("tree", f"--target={target}", *form) for target in TARGETS]
    return {tuple(line.split()[:2]) for tree in trees for line in tree.splitlines()}


crates, used_by = linked(), defaultdict(set)
for crate in json.loads(cargo("metadata", "--format-version=1"))["packages"]:
    # A crate without a source is this repository's own.
    if crate["source"] and (crate["name"], "v" + crate["version"]) in crates:
        name, folder = f"{crate['name']} {crate['version']}", Path(crate["manifest_path"]).parent
        files = [file for file in folder.rglob("*") if file.is_file() and NAMES.match(file.name)]
        texts = [file.read_text(errors="replace").strip() for file in files]
        without = f"Licensed under {crate['license']}, says the crate, and brings no text of it."
        for text in texts or [without]:
            used_by[text].add(name)

print("alb-nlb-binding is built from the following crates, and from Rust's standard library (MIT OR Apache-2.0).")
for names, text in sorted((sorted(names), text) for text, names in used_by.items()):
    print("\n" + "-" * 80, *names, "", text, sep="\n")
