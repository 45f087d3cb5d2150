"""Names that are not the one that is meant, but nearly: mistyped, or what another library calls the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

# As close as AWS_S3_BUKET_NAME is to AWS_S3_BUCKET_NAME.
CLOSE = 0.8

# What libraries, and their documentation, have called the same thing.
ALIASES = (
    frozenset({"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AMAZON_ACCESS_KEY_ID"}),
    frozenset({"AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "AMAZON_SECRET_ACCESS_KEY"}),
    frozenset({"AWS_REGION", "AWS_DEFAULT_REGION", "AMAZON_REGION"}),
    frozenset({"MONGODB_URI", "MONGODB_URL", "MONGO_URI", "MONGO_URL"}),
    frozenset({"REDIS_URL", "REDIS_URI"}),
    frozenset({"DATABASE_URL", "DATABASE_URI", "DB_URL"}),
    frozenset({"SECRET_KEY", "SECRET_KEY_BASE", "SECRET_TOKEN"}),
)


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Give the names among *known* that may stand for *name*: aliases first, the closest next."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where a name is not known

    others = sorted({k for k in known if k != name and _digits(k) == _digits(name)})
    aliases = [k for k in others if any({name, k} <= names for names in ALIASES)]
    by_case = {k.upper(): k for k in others}
    close = [by_case[k] for k in get_close_matches(name.upper(), sorted(by_case), n=most, cutoff=CLOSE)]
    return list(dict.fromkeys([*aliases, *close]))[:most]


def _digits(name: str) -> str:
    """Tell DB_1 from DB_2: that is no mistake in typing."""
    return "".join(re.findall(r"[0-9]", name))
