"""Fabric and paramiko without what nothing here uses: it costs as much as the exchange of keys does."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

CHEAPEST = "aes128-gcm@openssh.com"


class Timeouts(NamedTuple):
    connect: None = None


class Authentication(NamedTuple):
    identities: tuple[str, ...] = ()
    strategy_class: None = None


# Imported for tests of tasks, configuration files, command lines and transfers: half of the import.
METADATA = "importlib.metadata"
UNUSED = (
    *("unittest", "unittest.mock", METADATA),
    *("invoke.vendor.yaml", "invoke.loader", "invoke.program", "invoke.executor", "invoke.collection"),
    *("invoke.parser", "invoke.tasks"),
    *("fabric.executor", "fabric.group", "fabric.tasks"),
    *(f"paramiko.sftp{part}" for part in ("", "_attr", "_client", "_file", "_handle", "_server", "_si")),
)
_loading = threading.Lock()


class Nothing(ModuleType):
    """Stands for a module of which names are imported, and nothing is called."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


class Versions(Nothing):
    """Stands for importlib.metadata, which reads what a version is from a file; it is in the name as well."""

    @staticmethod
    def version(name: str) -> str:
        for folder in filter(os.path.isdir, sys.path):
            for entry in os.listdir(folder):  # noqa: PTH208
                if found := re.fullmatch(rf"{name}-(.+?)(?:-py.*)?\.(?:dist|egg)-info", entry):
                    return found[1]
        return "0"


@contextmanager
def without(names: tuple[str, ...]) -> Generator[None]:
    """Let modules that are not there yet be imported as nothing; afterwards they are as they were."""
    placed = [name for name in names if name not in sys.modules]
    sys.modules.update((name, (Versions if name == METADATA else Nothing)(name)) for name in placed)
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]


def paramiko() -> Any:
    """Import it, and Fabric with it: each of the two imports the other's foundation."""
    with _loading:
        if "fabric" not in sys.modules:
            # What is old in a key is nothing that its user asked about.
            warnings.filterwarnings("ignore", module=r"paramiko\.")
            with without(UNUSED):
                import_module("fabric")
    return import_module("paramiko")


def load() -> None:
    """Import all that a connection is going to need."""
    classes()


def _no_timer(_seconds: float) -> None:
    pass


class Classes(NamedTuple):
    config: Any
    connection: Any
    transport: Any


@cache
def classes() -> Classes:
    ssh, fabric = paramiko(), import_module("fabric")
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # it prints tracebacks otherwise

    class Nobody(ssh.SSHConfig):  # type: ignore[misc,name-defined]
        def lookup(self, _host: str) -> dict[str, str]:
            return {}

    class Config(fabric.Config):  # type: ignore[misc,name-defined]
        """What a connection asks for, as plain attributes that none can change for another: to merge all
        that there is to configure takes a tenth of the time for a host."""

        authentication = Authentication()
        base_ssh_config = Nobody()
        connect_kwargs = MappingProxyType[str, Any]({})
        forward_agent = False
        gateway = None
        inline_ssh_env = True
        port = 22
        timeouts = Timeouts()
        user = ""

        def __init__(self) -> None:
            """Gather nothing."""

    class Connection(fabric.Connection):  # type: ignore[misc,name-defined]
        # Each attribute would be looked for among all names, and may be written into the configuration.
        __setattr__ = object.__setattr__
        authentication = Config.authentication

    return Classes(Config, Connection, _transport(ssh))


def _transport(ssh: Any) -> Any:
    class Transport(ssh.Transport):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)  # pyright: ignore[reportUnknownMemberType]
            security = self.get_security_options()
            # Its tag is checked by the library of ciphers; a MAC is compared by Python, byte by byte.
            security.ciphers = sorted(security.ciphers, key=lambda name: name != CHEAPEST)

            # Keys are waited for no longer than `timeout` says: it needs no thread with another clock.
            self.packetizer.start_handshake = _no_timer
            # Whoever ends it wakes it: it need not look ten times a second whether somebody has.
            self.sock.settimeout(None)

        def run(self) -> None:
            # Closed in the midst of a step, it fails in ways that nobody else is to read about.
            with suppress(Exception):
                super().run()  # pyright: ignore[reportUnknownMemberType]

        def _filter_algorithm(self, kind: str) -> tuple[str, ...]:
            """Give all of a kind: none is disabled, and each is asked for several times."""
            preferred: tuple[str, ...] = getattr(self, f"_preferred_{kind}")
            return preferred

        def _log(self, *_: object) -> None:
            """Do nothing: what it tells is for nobody."""

        def _parse_debug(self, message: Any) -> None:
            """Do nothing: it would be made printable, character by character, for nobody."""

    return Transport
