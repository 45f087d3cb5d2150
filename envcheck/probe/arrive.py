"""The first thing that runs on a target: take the probe's source from the input, and let it be imported.

The input: a line with a length, zlib of names and sources of modules, between NULs, of that length, then what
`serve` reads.
Nothing is written anywhere. Exit status 93: this Python is too old.
"""

import sys

PACKAGE = "envcheck_probe"
TOO_OLD = 93


class Finder:
    """Imports from memory; a module that is not asked for is not compiled."""

    def __init__(self, sources: "dict[str, str]") -> None:
        self.sources = sources

    def find_spec(self, name, _path=None, _target=None):  # type: ignore[no-untyped-def]
        if name not in self.sources:
            return None
        return type(sys.__spec__)(name, self, is_package=name == PACKAGE)  # type: ignore[arg-type]

    def create_module(self, _spec):  # type: ignore[no-untyped-def]
        return None

    def exec_module(self, module):  # type: ignore[no-untyped-def]
        name = module.__name__
        exec(compile(self.sources[name], "<" + name + ">", "exec"), module.__dict__)  # noqa: S102


def main(served: str) -> None:
    """*served*: the module of the probe that answers, `serve` or `acting`."""
    if sys.version_info < (3, 6):
        sys.exit(TOO_OLD)
    import os
    from zlib import decompress

    stdin = sys.stdin.buffer
    words = iter(decompress(stdin.read(int(stdin.readline()))).decode("utf-8").split("\0"))
    sys.meta_path.insert(0, Finder({name: next(words) for name in words}))
    # Not sys.exit: while an interpreter takes itself apart, the thread that watches the input may crash it.
    os._exit(__import__(PACKAGE + "." + served, fromlist=["main"]).main(stdin, sys.stdout.buffer))
