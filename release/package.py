"""Puts the built function into the zip that Lambda takes, and refuses a binary that Lambda cannot run.

The zip is as small as can be. The same binary gives the same zip, because users derive the key of its upload from
its hash.
"""

import re
import sys
import zipfile
from pathlib import Path

import zopfli

GLIBC = (2, 34)  # The version in provided.al2023.

binary, archive = map(Path, sys.argv[1:])
code = binary.read_bytes()
asked = max((int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", code))
if asked > GLIBC:
    sys.exit(
        "{} asks for GLIBC {}.{}, and Lambda's provided.al2023 has {}.{}: build it on Debian 12 "
        "or Amazon Linux 2023".format(binary, *asked, *GLIBC)
    )
file = zipfile.ZipInfo("bootstrap")
file.external_attr = 0o100755 << 16
file.compress_type = zipfile.ZIP_DEFLATED
with zopfli.ZipFile(archive, "w") as zip:
    zip.writestr(file, code)
print(f"{archive}: {archive.stat().st_size} bytes, GLIBC {asked[0]}.{asked[1]}")
