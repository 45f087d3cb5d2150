"""JSON by the parts of the standard library that are written in C.

To import `json` compiles regular expressions: on a target that takes as long as all else together. Where this
Python has no such parts, or others than expected, or does not like what it reads, the package itself answers.
"""


def dumps(value: object) -> str:
    """As json.dumps, without blanks."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        words = (":", ",", False, False, True)
        encode = make_encoder(None, None, encode_basestring_ascii, None, *words)  # type: ignore[arg-type]
        return "".join(encode(value, 0))
    except Exception:  # an old one gives a SystemError for lack of the package
        from json import dumps as whole

        return whole(value, separators=(",", ":"))


def loads(text: str) -> "Any":
    """As json.loads; ValueError."""
    try:
        from _json import make_scanner

        value, end = make_scanner(_Plain)(text, 0)  # type: ignore[arg-type]
        if end == len(text):
            return value
    except Exception:  # it is told below
        pass
    from json import loads as whole

    return whole(text)


class _Plain:
    """What json.decoder.JSONDecoder is by default, as far as the scanner asks for it."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = None


if False:  # for the type checker alone
    from typing import Any
