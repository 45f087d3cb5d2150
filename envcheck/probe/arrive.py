"""The first thing that runs on a target: take the probe's source from the input, and let it be imported.

The input: a line with the magic number of some bytecode, or "-", and a length; of that length, zlib of a
marshalled {name: marshalled module} in it; a line with a length; of that length, zlib of the names and the
sources of all modules, between NULs; then what `serve` reads.
Nothing is written anywhere. Exit status 93: this Python is too old.
"""

import sys

PACKAGE = "envcheck_probe"
TOO_OLD = 93


class Finder:
    """Imports from memory; a module that is not asked for is not compiled."""

    def __init__(self, codes: "dict[str, bytes]", packed: bytes) -> None:
        self.codes = codes
        self.packed = packed
        self.sources = {}  # type: dict[str, str]  # unpacked when wanted

    def source(self, name: str) -> "str | None":
        if not self.sources:
            from zlib import decompress

            words = iter(decompress(self.packed).decode("utf-8").split("\0"))
            self.sources = {word: next(words) for word in words}
        return self.sources.get(name)

    def compiled(self, name: str) -> object:
        return compile(self.source(name) or "", "<" + name + ">", "exec")

    def find_spec(self, name, _path=None, _target=None):  # type: ignore[no-untyped-def]
        if name.partition(".")[0] != PACKAGE or not (name in self.codes or self.source(name)):
            return None
        return type(sys.__spec__)(name, self, is_package=name == PACKAGE)  # type: ignore[arg-type]

    def create_module(self, _spec):  # type: ignore[no-untyped-def]
        return None

    def exec_module(self, module):  # type: ignore[no-untyped-def]
        from marshal import loads

        name = module.__name__
        code = self.codes.get(name)
        ready = loads(code) if code else self.compiled(name)  # noqa: S302 - it came as the source did
        exec(ready, module.__dict__)  # type: ignore[arg-type] # noqa: S102


def main(served: str) -> None:
    """*served*: the module of the probe that answers, `serve` or `acting`."""
    if sys.version_info < (3, 6):
        sys.exit(TOO_OLD)
    import os
    from marshal import loads
    from zlib import decompress

    stdin = sys.stdin.buffer
    magic, length = stdin.readline().split()
    packed = stdin.read(int(length))
    own = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER.hex()
    codes = loads(decompress(packed)) if magic == own.encode("ascii") else {}  # noqa: S302 - it is our own
    sys.meta_path.insert(0, Finder(codes, stdin.read(int(stdin.readline()))))
    # Not sys.exit: while an interpreter takes itself apart, the thread that watches the input may crash it.
    os._exit(__import__(PACKAGE + "." + served, fromlist=["main"]).main(stdin, sys.stdout.buffer))
