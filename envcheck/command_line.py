"""Command lines that may be printed.

What an argument is for is told by its grammar, so a secret is masked that looks like none; what is left is
judged by its looks. What is masked cannot be run: `mask_arguments` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envcheck.secrecy import MASK, Policy, known_forms, mask_forms
from envcheck.suspicion import has_user_information, is_secret_key, pattern, value_looks_secret

SETTERS = frozenset(("-e", "--env", "--environ", "--setenv"))  # what follows is NAME=VALUE
ASSIGNMENTS = (
    r"(-e|--(?:env|environ|setenv)=)([^=]+)=(.*)",
    r"(--?[A-Za-z][\w-]*=|)([A-Z_][A-Z0-9_]*)=(.*)",
)


def mask_arguments(
    argv: Sequence[str], secrets: Iterable[str], policy: Policy
) -> tuple[tuple[str, ...], bool]:
    """Return the arguments as they may be printed, and whether they are complete: whether none is masked.

    *secrets*: known ones, masked wherever they appear (`Policy.secrets` of the environment).
    """
    masked = tuple(_Masker(policy, known_forms(secrets)).mask(argv))
    return masked, masked == tuple(argv)


class _Masker:
    def __init__(self, policy: Policy, forms: frozenset[str]) -> None:
        self._policy = policy
        self._forms = forms

    def mask(self, arguments: Sequence[str]) -> list[str]:
        """Mask each argument by what the one before it announces."""
        result: list[str] = []
        before = ""
        for argument in arguments:
            if _takes_secret(before) and not _is_option(argument) and not _is_certificate(before, argument):
                result.append(MASK)
                before = ""
                continue
            if before in SETTERS and "=" in argument:
                result.append(self._assignment("", *argument.split("=", 1)))
            else:
                result.append(self._argument(argument))
            before = argument
        return [mask_forms(masked, self._forms) for masked in result]

    def _argument(self, argument: str) -> str:
        for form in ASSIGNMENTS:
            if match := pattern(form).fullmatch(argument):
                return self._assignment(*match.groups())
        option, equals, value = argument.partition("=")
        if value and _takes_secret(option) and not _is_certificate(option, value):
            return option + equals + MASK
        masked = _mask_call(mask_forms(argument, self._forms))
        pieces = pattern(r"(\s+)").split(masked)
        return self._phrase(argument, pieces) if len(pieces) > 1 else self._word(pieces[0])

    def _assignment(self, prefix: str, name: str, value: str) -> str:
        shown = not value or self._policy.may_show(name, value)
        return f"{prefix}{name}={value if shown else MASK}"

    def _phrase(self, argument: str, pieces: list[str]) -> str:
        """Mask within a process title, or a script for `sh -c`: words with blanks between them."""
        words = self.mask(pieces[::2])
        masked = "".join(word + blank for word, blank in zip(words, [*pieces[1::2], ""], strict=True))
        quoted = "'" in argument or '"' in argument  # a word may end in the middle of a secret
        return MASK if _is_suspicious(masked) or (masked != argument and quoted) else masked

    def _word(self, argument: str) -> str:
        masked = _mask_url(argument)
        if not _is_suspicious(masked):
            return masked
        option, equals, _ = masked.partition("=")
        return option + equals + MASK if pattern(r"--?[A-Za-z][\w-]*").fullmatch(option) and equals else MASK


def _takes_secret(option: str) -> bool:
    return option.startswith("-") and "=" not in option and is_secret_key(option.lstrip("-"))


def _is_certificate(option: str, value: str) -> bool:
    """Say whether it is the path of a file for TLS: --ca-certs /etc/ssl/ca.pem is judged by its looks."""
    about_tls = pattern("cert|ssl|tls").search(option) and not pattern("pass|secret|token").search(option)
    return bool(about_tls) and value.startswith("/")


def _is_option(argument: str) -> bool:
    return pattern(r"--[A-Za-z][A-Za-z-]*(?:=.*)?|-[A-Za-z]").fullmatch(argument) is not None


def _is_suspicious(masked: str) -> bool:
    """Judge what is left between the masks."""
    return value_looks_secret(masked.replace(f"{MASK}@", "").replace(MASK, ""))


def _mask_url(text: str) -> str:
    """Mask the user information of a URL, and its parameters that take a secret."""
    if "://" not in text:
        return text
    if has_user_information(text):
        scheme, _, rest = text.partition("://")
        text = f"{scheme}://{MASK}@{rest.rpartition('@')[2]}"
    return pattern(r"([?&;])([^?&;=#]+)=([^&;#]+)").sub(
        lambda m: f"{m[1]}{m[2]}={MASK}" if is_secret_key(m[2]) else m[0], text
    )


def _mask_call(text: str) -> str:
    """Mask the arguments of an application factory: app:create("secret")."""
    call = pattern(r"[\w)]\([^)]").search(text)
    if call is None:
        return text
    inside = call.end() - 1
    _, closing, tail = text[inside:].rpartition(")")
    return text[:inside] + MASK + closing + (tail if closing else "")
