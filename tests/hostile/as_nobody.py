"""Runs envcheck as user nobody, who may not be able to read the interpreter: all is imported before."""

from __future__ import annotations

import codecs
import importlib
import os
import pkgutil

import dotenv.parser
import rich.console
import rich.text
import yaml.parser
import yaml.scanner

import envcheck

NOBODY = 65534
LAZY = (
    "ast binascii datetime difflib email glob hashlib hmac importlib.metadata select shlex subprocess "
    "textwrap unicodedata zlib"
)

for name in LAZY.split():
    importlib.import_module(name)
for module in pkgutil.walk_packages(envcheck.__path__, "envcheck."):
    if module.name != "envcheck.__main__":
        importlib.import_module(module.name)
assert all((dotenv.parser, rich.console, rich.text, yaml.parser, yaml.scanner))
codecs.lookup("utf-8-sig")

os.setgroups([])
os.setresgid(NOBODY, NOBODY, NOBODY)
os.setresuid(NOBODY, NOBODY, NOBODY)

from envcheck.cli import main  # noqa: E402 - as nobody

main()
