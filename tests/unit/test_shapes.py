"""What has a shape, and what has not."""

from __future__ import annotations

import pytest

from envcheck.shapes import TYPES, Shape, fits

YES = {
    "string": ["", "a b"],
    "bool": ["true", "No", "0", "ON"],
    "int": ["0", "-12", "+3", "0755"],
    "number": ["1", "1.5", ".5", "-1e3"],
    "port": ["1", "80", "65535"],
    "url": ["mongodb://m1,m2/db", "https://a.test/x?y", "sqlite:///a", "redis://localhost:6379/0"],
    "host": ["a", "a.example.test", "127.0.0.1", "::1", "db_1.test."],
    "ip": ["127.0.0.1", "::1"],
    "email": ["a@b.test"],
    "path": ["/", "/etc/a b"],
    "json": ["{}", "[1]", '"a"'],
    "duration": ["90s", "1.5m", "250ms"],
    "bytes": ["10", "64k", "1.5 GiB"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
    "hex": ["00fF"],
    "base64": ["", "YQ==", "YWI=", "YWJj"],
    "csv": ["a", "a,b"],
    "semver": ["1.2.3", "1.2.3-rc.1+5"],
}
NO = {
    "bool": ["", "2", "truee"],
    "int": ["", "1.0", "a", "1\n", "٣"],
    "number": ["", ".", "1e", "nan", "inf"],
    "port": ["0", "65536", "-1", "80a", "99999999999"],
    "url": ["", "a.test", "://a", "http://", "a b://c", "http://a b"],
    "host": ["", "-a", "a..b", "a b", "a/b"],
    "ip": ["1.2.3", "a"],
    "email": ["a", "a@b", "@b.test", "a b@c.test"],
    "path": ["a", ""],
    "json": ["", "{", "[" * 100_000],
    "duration": ["90", "s", "1 s"],
    "bytes": ["a", "-1"],
    "uuid": ["123e4567e89b12d3a456426614174000"],
    "hex": ["", "g"],
    "base64": ["a", "YQ", "YQ==\n"],
    "csv": ["", ",", "a,"],
    "semver": ["1.2", "v1.2.3"],
}


@pytest.mark.parametrize(("kind", "value"), [(k, v) for k, values in YES.items() for v in values])
def test_what_is_of_a_type(kind: str, value: str) -> None:
    assert fits(Shape("type", (kind,)), value)


@pytest.mark.parametrize(("kind", "value"), [(k, v[:20]) for k, values in NO.items() for v in values])
def test_what_is_not(kind: str, value: str) -> None:
    assert not fits(Shape("type", (kind,)), value)


def test_every_type_has_examples() -> None:
    assert set(YES) == set(TYPES)
    assert set(NO) == set(TYPES) - {"string"}


@pytest.mark.parametrize(
    ("shape", "yes", "no"),
    [
        (Shape("min", ("3",)), "3.0", "2.9"),
        (Shape("min", ("-1",)), "0", "a"),
        (Shape("max", ("3",)), "3", "3.1"),
        (Shape("max", ("3",)), "-4", ""),
        (Shape("min_length", ("2",)), "ab", "a"),
        (Shape("max_length", ("2",)), "ab", "abc"),
        (Shape("prefix", ("a",)), "ab", "ba"),
        (Shape("suffix", ("a",)), "ba", "ab"),
        (Shape("contains", ("a",)), "bab", "bb"),
        (Shape("schemes", ("http", "https")), "HTTPS://a", "ftp://a"),
        (Shape("equals", ("a",)), "a", "b"),
        (Shape("one_of", ("a", "b")), "b", "c"),
        (Shape("pattern", ("^a+$",)), "aa", "ab"),
        (Shape("not", (), ((Shape("equals", ("a",)), Shape("max_length", ("1",))),)), "b", "a"),
        (Shape("any_of", (), ((Shape("equals", ("a",)),), (Shape("prefix", ("b",)),))), "bc", "c"),
    ],
)
def test_shapes(shape: Shape, yes: str, no: str) -> None:
    assert fits(shape, yes)
    assert not fits(shape, no)


def test_no_value_is_told() -> None:
    nested = Shape("not", (), ((Shape("one_of", ("hunter2",)), Shape("prefix", ("hunter",))),))
    for shape in (nested, Shape("equals", ("hunter2",)), Shape("contains", ("hunter2",))):
        assert "hunter" not in str(shape)
    assert str(Shape("schemes", ("http", "https"))) == "schemes http or https"
