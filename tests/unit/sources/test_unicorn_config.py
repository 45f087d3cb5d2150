"""Unicorn's configuration file: rows of Ruby, and what each of them does to ENV."""

from __future__ import annotations

import pytest

from envcheck.sources import unicorn_config

DYNAMIC = "<dynamic>"
NAME = "sets a variable whose name is computed"
Told = list[tuple[int, str, str, str | None]]


def told(text: str) -> Told:
    """Give line, by what, name and value of every assignment."""
    found = unicorn_config.parse(text.encode()).assignments
    return [(a.line, a.by, a.name, DYNAMIC if a.dynamic else a.value) for a in found]


def value(text: str) -> str | None:
    """Give the value of the one variable that is set."""
    [(_, _, _, given)] = told(text)
    return given


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ENV['A'] = 'x'", "x"),
        ('ENV["A"] = "x"', "x"),
        ("ENV['A'] ||= 'x'", "x"),
        ("ENV['A'] =\n  'x'", "x"),
        ("ENV['A'] = 'x' # why", "x"),
        ("ENV['A'] = 'x'; port = 1", "x"),
        ("ENV['A'] = 'x'.freeze", "x"),
        (r"ENV['A'] = 'it\'s \\ \n'", r"it's \ \n"),
        ("ENV['A'] = %q(x (y) z)", "x (y) z"),
        ("ENV['A'] = '#{x}'", "#{x}"),
        ("ENV['A'] = 'a # b'", "a # b"),
        ("ENV['A'] = ''", ""),
        ("ENV['A'] = nil", None),
        ("ENV.delete('A')", None),
        ('ENV.delete "A"', None),
        ("ENV.store('A', 'x')", "x"),
        ("ENV.update('A' => 'x')", "x"),
        ("ENV.merge!({'A' => 'x'})", "x"),
        ("ENV.update 'A' => 'x'", "x"),
        ("::ENV['A'] = 'x'", "x"),
        ("x = 10 / 2 / 5\nENV['A'] = 'x'", "x"),
        ("s.split /'/\nENV['A'] = 'x'", "x"),
        ("x = a ? 'b' : c\nENV['A'] = 'x'", "x"),
        ("t = <<~END\n  ENV['B'] = 'no'\nEND\nENV['A'] = 'x'", "x"),
        ("=begin\nENV['B'] = 'no'\n=end\nENV['A'] = 'x'", "x"),
        ("ENV['A'] = 'x'\n__END__\nENV['B'] = 'no'", "x"),
        ("w = %w(ENV['B'] = 'no')\nENV['A'] = 'x'", "x"),
        ("if x then y end\nENV['A'] = 'x'", "x"),
        ("while x do y end\nENV['A'] = 'x'", "x"),
        ("y while x\nENV['A'] = 'x'", "x"),
        ("o.if.end.class\nENV['A'] = 'x'", "x"),
        ("f(if: 1, end: 2)\nENV['A'] = 'x'", "x"),
        ("raise 'no' unless ENV['B']\nENV['A'] = 'x'", "x"),
    ],
)
def test_literals(text: str, expected: str | None) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'A' => '1'}.each { |k, v| ENV[k] = v }", [(1, "A", "1")]),
        (
            "{'A' => x, 'B' => '2',}.each_pair do |k, v|\n  ENV[k] = v\nend",
            [(2, "A", DYNAMIC), (2, "B", "2")],
        ),
        ("%w(A B).each do |k|\n  ENV[k] ||= 'x'\nend", [(2, "A", "x"), (2, "B", "x")]),
        ("['A', 'B',].each { |k| ENV[k] = k }", [(1, "A", "A"), (1, "B", "B")]),
        ("[['A', '1'], ['B', '2']].each { |k, v| ENV.store(k, v) }", [(1, "A", "1"), (1, "B", "2")]),
        ("%w(A B).each { |k| ENV.delete(k) }", [(1, "A", None), (1, "B", None)]),
        ("%w(A B).each { |k| ENV[k] = 'x' if y }", [(1, "A", DYNAMIC), (1, "B", DYNAMIC)]),
        ("if y\n%w(A).each { |k| ENV[k] = 'x' }\nend", [(2, "A", DYNAMIC)]),
        ("%w(A B).each { |a| %w(x y).each { |b| ENV[a] = b } }", [(1, n, v) for n in "AB" for v in "xy"]),
        ("%w(A).each { |k| ENV[k] = '1' }; ENV['B'] = '2'", [(1, "A", "1"), (1, "B", "2")]),
        ("K = 'A'.freeze\nV = 'x'\nENV[K] = V", [(3, "A", "x")]),
        ("env = ENV\nenv['A'] = 'x'\nenv.update('B' => 'y')", [(2, "A", "x"), (3, "B", "y")]),
    ],
)
def test_names_that_are_known_without_running_it(
    text: str, expected: list[tuple[int, str, str | None]]
) -> None:
    assert [(line, name, given) for line, _, name, given in told(text)] == expected
    assert unicorn_config.parse(text.encode()).problems == ()
    within = [(line, by, given) for line, by, _, given in told(f"after_fork {{ |s, w| {text}\n}}")]
    assert within == [(line, "after_fork", given) for line, _, given in expected]


def test_loops_are_not_written_out_for_ever() -> None:
    text = "".join(f"%w(A B C D E F G H).each {{ |k{n}| " for n in range(9)) + "ENV[k0] = 'x'" + "}" * 9

    assert {name for _, _, name, _ in told(text)} <= set("ABCDEFGH")


@pytest.mark.parametrize(
    "text",
    [
        'ENV["A"] = "a#{x}b"',
        'ENV["A"] = "a\\tb"',
        "ENV['A'] = File.read('x')",
        "ENV['A'] = `id`",
        "ENV['A'] = x",
        "ENV['A'] = ENV['B']",
        "ENV['A'] = 'x' + y",
        "ENV['A'] = 'x' 'y'",
        "ENV['A'] = 'x'\n  .upcase",
        "ENV['A'] = x ? 'a' : 'b'",
        "ENV['A'] = <<~END\n  x\nEND",
        "ENV['A'] = 'x' if y",
        "ENV['A'] = 'x' unless ENV['A']",
        "ENV['A'] += 'x'",
        "ENV['A'] = 'x' rescue nil",
        "x and ENV['A'] = 'y'",
        "x = ENV['A'] = 'y'",
        "if x\n  ENV['A'] = 'y'\nend",
        "unless x then ENV['A'] = 'y' end",
        "case x\nwhen 1 then ENV['A'] = 'y'\nend",
        "begin\n  ENV['A'] = 'y'\nrescue\nend",
        "[1].each { |i| ENV['A'] = 'y' }",
        "[1].each do |i| ENV['A'] = 'y' end",
        "def x\n  ENV['A'] = 'y'\nend",
        "-> { ENV['A'] = 'y' }",
        "ENV.update('A' => File.read('x'))",
        "ENV.delete('A') if x",
        "return if x\nENV['A'] = 'y'",
    ],
)
def test_what_depends_on_anything_is_dynamic(text: str) -> None:
    assert value(text) == DYNAMIC
    assert unicorn_config.parse(text.encode()).problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "listen ENV['PORT'] || 80",
        "port = ENV.fetch('PORT') { 3000 }.to_i",
        "x if ENV.key?('A')",
        'y = "#{ENV["A"]}"',
        "# ENV['A'] = 'x'",
        "'ENV[1] = 2'",
        "%q{ENV['A'] = 'x'}",
        "x = /ENV['A'] = 'x'/",
        "ENV['A'] == 'x'",
        "ENV.to_h.each { |k, v| p k }",
        "defaults = {'ENV' => 'x', ENV: 1}",
        "",
    ],
)
def test_reading_sets_nothing(text: str) -> None:
    parsed = unicorn_config.parse(text.encode())

    assert (parsed.assignments, parsed.problems) == ((), ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("require 'dotenv'\nDotenv.load", (2, "runs Dotenv.load")),
        ("Dotenv.overload('.env') if x", (1, "runs Dotenv.overload")),
        ("require 'dotenv/load'", (1, "loads dotenv/load")),
        ("load '/srv/env.rb'", (1, "runs other code (load)")),
        ("x.instance_eval(File.read('y'))", (1, "runs other code (instance_eval)")),
        ("ENV[name] = 'x'", (1, NAME)),
        ("ENV.delete(name)", (1, NAME)),
        ("ENV.replace({})", (1, "calls ENV.replace")),
        ("ENV.update(YAML.load_file('x'))", (1, "calls ENV.update with names that are computed")),
        ("x.env = ENV", (1, "hands ENV on")),
        ("env = ENV\nfill(env)", (2, "hands ENV on")),
        ("env = ENV; env = x\nenv['A'] = 'x'", (1, "hands ENV on")),
        ("k = 'A'; k << 'B'; ENV[k] = 'x'", (1, NAME)),
        ("k = 'A'; k = 'B'; ENV[k] = 'x'", (1, NAME)),
        ("k = 'A'; f { |k| ENV[k] = 'x' }", (1, NAME)),
        ("k = 'A' if y; ENV[k] = 'x'", (1, NAME)),
        ("['A', y].each { |k| ENV[k] = 'x' }", (1, NAME)),
        ("y.each { |k| ENV[k] = 'x' }", (1, NAME)),
        ("%W(A#{y}).each { |k| ENV[k] = 'x' }", (1, NAME)),
        ("%w(A B).each { |k| next if y; ENV[k] = 'x' }", (1, NAME)),
        ("y = %w(A B).each { |k| ENV[k] = 'x' }", (1, NAME)),
        ("%w(A B).each { |k| ENV[k] = 'x' }.size", (1, NAME)),
        ("%w(A B).each { |k, v| ENV[k] = 'x' }", (1, NAME)),
        ("\nfill(ENV)", (2, "hands ENV on")),
        ("x = 'abc", (1, "cannot be followed from here on")),
        ("x = <<END\nabc", (1, "cannot be followed from here on")),
        ("end\nENV['A'] = 'x'", (1, "cannot be followed from here on")),
        ("if x\nENV['A'] = 'x'", (2, "cannot be followed from here on")),
    ],
)
def test_what_may_set_anything_is_a_problem(text: str, problem: tuple[int, str]) -> None:
    [found] = unicorn_config.parse(text.encode()).problems

    assert (found.line, found.message) == problem


def test_each_hook_is_told_apart() -> None:
    text = """\
ENV['A'] = '1'
before_fork do |server, worker|
  old = "#{server.config[:pid]}.oldbin"
  if File.exist?(old) && server.pid != old
    begin
      Process.kill(:QUIT, File.read(old).to_i)
    rescue Errno::ENOENT, Errno::ESRCH
    end
  end
  ENV['B'] = '2'
end
after_fork { |server, worker| ENV['C'] = '3'; ENV['D'] = "#{worker.nr}" }
after_worker_ready do |server, worker| ENV['E'] = '5' if x end
after_fork do |server, worker|
  next if worker.nr == 0
  ENV['F'] = '6'
end
before_exec { |server| ENV['G'] = '7' }
if x
  after_fork { |server, worker| ENV['H'] = '8' }
end
"""
    assert told(text) == [
        (1, "ENV", "A", "1"),
        (10, "before_fork", "B", "2"),
        (12, "after_fork", "C", "3"),
        (12, "after_fork", "D", DYNAMIC),
        (13, "after_worker_ready", "E", DYNAMIC),
        (16, "after_fork", "F", DYNAMIC),
        (18, "before_exec", "G", "7"),
        (20, "after_fork", "H", DYNAMIC),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nbefore_exec { |s| ENV['A'] = 'x' }", 2),
        ("before_exec do |s|\n  Dotenv.overload\nend", 2),
        ("Unicorn::HttpServer::START_CTX[0] = '/srv/start'", 1),
        ("before_exec { |s| puts 'x' }", None),
        ("ENV['A'] = 'x'", None),
    ],
)
def test_what_a_reexec_may_bring(text: str, line: int | None) -> None:
    found = unicorn_config.scan(text.encode())

    assert (found.reexec, found.parsed.problems) == (line, ())


def test_what_is_kept() -> None:
    found = unicorn_config.parse(b"ENV['A'] ||= 'x'\nENV['B'] = 'x'").assignments

    assert [a.keeps for a in found] == [True, False]


def test_bytes_survive() -> None:
    [found] = unicorn_config.parse(b"# \xff\nENV['A'] = '\xe9'").assignments

    assert (found.value or "").encode("utf-8", "surrogateescape") == b"\xe9"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("worker_processes 3 # three\n", 3),
        ("worker_processes(3)\nworker_processes 4\n", 4),
        ('worker_processes ENV["WEB_CONCURRENCY"].to_i\n', None),
        ("worker_processes 3 if x\n", None),
    ],
)
def test_workers(text: str, count: int | None) -> None:
    assert unicorn_config.workers(text.encode()) == count
