"""A host that is reached by a command there: the same requests, answered by the same probe."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from envcheck.errors import HostError
from envcheck.hosts import Answer, Request, bootstrap
from envcheck.hosts.ahead import Ahead
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.stream import Stream

if TYPE_CHECKING:
    from envcheck.hosts.acting import ActingRemote
    from envcheck.hosts.channel import Conversation

T = TypeVar("T")

JITTER = 0.2, 0.7  # seconds before a host that was too busy is asked once more
RESTING = 86400.0  # seconds that a connection is held for another look


class Timing(NamedTuple):
    """Seconds: to reach the host, and for all of it."""

    connect: float = 5.0
    total: float = 30.0


class Way(Protocol):
    """How a program of a host is started, with a duplex stream of bytes to it: SSH, or an engine's `exec`."""

    @property
    def name(self) -> str:
        """What the user calls the host."""
        ...

    @property
    def sudo(self) -> bool:
        """Whether it may be sudo that answers."""
        ...

    @property
    def hint(self) -> str:
        """What tells more where an answer makes no sense."""
        ...

    def start(self, program: Sequence[str], deadline: Deadline) -> Stream:
        """Start a program: constant words, nothing secret and nothing of the user's.

        Raises:
            HostError: It cannot be started.
        """
        ...


# Finds out how a host is reached; gives what may be loaded for that while `Way.start` waits for the host.
# None: it does not wait, it starts a command here.
Prepare = Callable[[Deadline], Callable[[], object] | None]


def at_once(_deadline: Deadline) -> None:
    """Find nothing out: what starts a program there knows all it needs."""


class Talk(Protocol):
    """Questions and answers over one stream."""

    stream: Stream

    def ask(self, requests: Sequence[Request]) -> Sequence[object]: ...


class Early(NamedTuple):
    """A connection, and what was asked over it before anybody asked."""

    talk: Talk | None = None
    requests: Sequence[Request] = ()
    answers: Sequence[Answer] = ()

    def close(self) -> None:
        if self.talk is not None:
            self.talk.stream.close()

    def completed(
        self, requests: Sequence[Request], ask: Callable[[Sequence[Request]], list[Answer]]
    ) -> list[Answer]:
        """Answer *requests*, those that were foreseen without asking again."""
        left = [request for request in requests if request not in self.requests]
        others = iter(ask(left) if left else ())
        return [
            self.answers[self.requests.index(request)] if request in self.requests else next(others)
            for request in requests
        ]


class Remote:
    """One host; the connection is made with the first question, or hastened; its deadline counts from there.

    *timing*: how long it may take. *tell* is given what only -v wants to know.
    """

    acts = False  # whether what is sent there can act

    def __init__(self, way: Way, timing: Timing, tell: Callable[[str], None]) -> None:
        self.name = way.name
        self.prepare: Prepare = at_once
        self._way = way
        self._timing = timing
        self._tell = tell
        self._conversation: Talk | None = None
        self._rests = False
        self._ahead: Ahead[Early] | None = None
        self._early = Early()  # what of the first question is answered already
        self._asking: Talk | None = None  # where that is being asked

    def hasten(self, requests: Sequence[Request]) -> None:
        """Begin to reach it, and ask it what the first question will most likely hold too.

        What goes wrong with that, the first question is told. What has to be waited for, a thread waits for.
        """
        deadline = Deadline(self._timing.total, self._timing.connect)
        try:
            load = self.prepare(deadline)
        except HostError:
            return  # the first question is told the same
        put: Callable[[], Conversation] = partial(self._put, requests, deadline)
        if load is None:
            # A thread comes to it some milliseconds later: it has to get the interpreter from who imports.
            put = _done(put)
        self._ahead = Ahead(deadline, lambda: self._foresee(put, requests), Early.close)
        if load is not None:
            load()

    def _put(self, requests: Sequence[Request], deadline: Deadline) -> Conversation:
        talk = self._asking = self._conversing(deadline)
        try:
            talk.put(_bounded(talk, requests))
        except BaseException:
            talk.stream.close()
            raise
        return talk

    def _foresee(self, put: Callable[[], Conversation], requests: Sequence[Request]) -> Early:
        talk = put()
        try:
            return Early(talk, requests, _checked(talk.take(), requests))
        except BaseException:
            talk.stream.close()
            raise

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        try:
            return self._ask(requests)
        except HostError as error:
            error.hint = self._way.hint if error.hint == HostError.hint else error.hint
            raise

    def _ask(self, requests: Sequence[Request]) -> list[Answer]:
        if self._conversation is not None:
            if self._rests:
                self._conversation.stream.extend(self._timing.total)
                self._rests = False
            return _asked(self._conversation, requests)
        deadline = self._ahead.deadline if self._ahead else Deadline(self._timing.total, self._timing.connect)
        try:
            return self._patiently(requests, deadline)
        except HostError as error:
            return self._without_python(error, requests, deadline)

    def _patiently(self, requests: Sequence[Request], deadline: Deadline) -> list[Answer]:
        """Ask its python3; once more if it was too busy."""
        try:
            return self._begin(self._by_python, requests, deadline)
        except HostError as error:
            if error.status == "throttled" and deadline.left > JITTER[1]:
                from random import uniform  # noqa: PLC0415 - hardly ever

                time.sleep(uniform(*JITTER))  # noqa: S311 - so that not all come back at once
                return self._begin(self._by_python, requests, deadline)
            raise

    def _without_python(
        self, why: HostError, requests: Sequence[Request], deadline: Deadline
    ) -> list[Answer]:
        """Ask its shell, if it was its python3 that gave no answer: there may be no shell either.

        Raises:
            HostError: What python3 did, where no shell answers; else what is wrong with its answer.
        """
        from envcheck.hosts import silence  # noqa: PLC0415 - few hosts need it

        if self.acts or why.status not in silence.NO_PYTHON:
            raise why
        try:
            given = self._begin(self._by_shell, requests, deadline)
        except HostError as error:
            raise (why if error.status in silence.NOTHING else error) from None
        self._tell(f"{self.name}: {why}: its shell was asked, live environments are not read")
        return given

    def rest(self) -> None:
        if self._conversation is not None:
            self._conversation.stream.extend(RESTING)
            self._rests = True

    def acting(self) -> ActingRemote:
        from envcheck.hosts.acting import ActingRemote  # noqa: PLC0415 - only where something is to be changed

        return ActingRemote(self._way, self._timing, self._tell)

    def close(self) -> None:
        if self._ahead is not None:
            self._ahead.drop()
            self._ahead = None
        talks = self._conversation, self._asking
        self._conversation = self._asking = None
        for talk in filter(None, talks):
            talk.stream.close()

    def _begin(
        self, make: Callable[[Deadline], Talk], requests: Sequence[Request], deadline: Deadline
    ) -> list[Answer]:
        """Ask for the first time; where that fails, nothing that was opened for it stays open."""
        talk = self._conversation = make(deadline)
        early, self._early = self._early, Early()
        try:
            return early.completed(requests, lambda left: _asked(talk, left))
        except BaseException:
            self.close()
            raise

    def _by_python(self, deadline: Deadline) -> Talk:
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            self._early = ahead.result()
            self._asking = None
            if self._early.talk is not None:
                return self._early.talk
        return self._conversing(deadline)

    def _conversing(self, deadline: Deadline) -> Conversation:
        stream = self._way.start(bootstrap.PYTHON, deadline)
        try:
            from envcheck.hosts.channel import Conversation  # noqa: PLC0415 - while python3 starts there

            prelude = bootstrap.prelude(acts=self.acts, near=stream.near)
            return Conversation(stream, prelude, sudo=self._way.sudo)
        except BaseException:
            stream.close()
            raise

    def _by_shell(self, deadline: Deadline) -> Talk:
        from envcheck.hosts.shell_collector import ShellConversation  # noqa: PLC0415 - few hosts need it

        return ShellConversation(self._way.start(bootstrap.SHELL, deadline), sudo=self._way.sudo)


def _done(make: Callable[[], T]) -> Callable[[], T]:
    """Make it now; what is given gives it, or raises what was raised."""
    try:
        made = make()
    except HostError as error:
        failed = error

        def fail() -> T:
            raise failed

        return fail
    return lambda: made


def _asked(talk: Talk, requests: Sequence[Request]) -> list[Answer]:
    return _checked(talk.ask(_bounded(talk, requests)), requests)


def _bounded(talk: Talk, requests: Sequence[Request]) -> list[Request]:
    """Let all commands together take half of what is left: what else is asked is then answered too."""
    left = talk.stream.deadline.left / 2
    return [{**request, "left": left} if request.get("op") == "run" else request for request in requests]


def _checked(answers: Sequence[object], requests: Sequence[Request]) -> list[Answer]:
    from envcheck.hosts.answers import checked  # noqa: PLC0415 - while the host is at work

    return checked(answers, requests)
