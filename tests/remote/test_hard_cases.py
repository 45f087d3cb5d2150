"""What can go wrong on the way to a host, and the tests that show what comes of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROOFS = {
    "a host key has changed": ("test_host_keys::test_as_openssh",),
    "a host key is unknown": ("test_host_keys::test_as_openssh",),
    "hashed, wildcard and negated names, other ports, several keys of a type": (
        "test_host_keys::test_as_openssh",
    ),
    "a key is revoked, and other hosts are not affected": ("test_host_keys::test_as_openssh",),
    "a certificate authority vouches for a host": (
        "test_host_keys::test_a_certificate_authority_is_for_ssh",
        "test_host_keys::test_a_host_certificate",
    ),
    "known keys are garbage": ("test_host_keys::test_as_openssh", "test_host_keys::test_nothing_raises"),
    "the configuration has parts, conditions, jumps, and an agent to be lent": (
        "test_configuration::test_in_parts_and_under_conditions",
        "test_configuration::test_through_another_host",
        "test_sharing::test_as_ssh_says_of_each",
    ),
    "nothing is said at all": ("test_phases::test_before_the_key_exchange",),
    "a hang in the key exchange": ("test_phases::test_before_the_key_exchange",),
    "a hang when logging in": ("test_phases::test_a_hang",),
    "a hang when a channel is opened": ("test_phases::test_a_hang",),
    "a hang when a command is started": ("test_phases::test_a_hang",),
    "a hang in the middle of the answer": ("test_phases::test_a_hang",),
    "a flood": ("test_phases::test_a_bad_answer", "test_phases::test_a_flood_takes_no_memory"),
    "an answer is cut off": ("test_phases::test_a_bad_answer",),
    "a whole answer, and then a failure": ("test_phases::test_an_answer_that_is_the_last_one",),
    "a whole answer, and then no exit status": ("test_phases::test_an_answer_that_is_the_last_one",),
    "an answer is whole, and not what was asked for": (
        "test_answers::test_another_kind_of_value_is_refused_wherever_it_stands",
        "test_answers::test_what_is_absent_or_was_not_asked_for_is_refused",
        "test_answers::test_whatever_is_spoilt",
        "test_answers::test_whatever_a_shell_says",
        "test_answers::test_ancestors_in_a_circle",
    ),
    "shells and hosts that print before they do anything": (
        "test_shells::test_a_login_shell",
        "test_shells::test_a_banner",
    ),
    "login shells of every kind": ("test_shells::test_a_login_shell",),
    "no login shell, or another command": (
        "test_shells::test_no_login_shell",
        "test_shells::test_a_forced_command",
    ),
    "no python3, another program in its place, busybox alone": (
        "test_shells::test_without_python3",
        "test_shells::test_a_python3_that_is_none",
    ),
    "sudo wants a password or a terminal, does not allow it, or is not there": (
        "test_shells::test_sudo",
        "test_shells::test_sudo_is_not_installed",
    ),
    "too many connections, too many sessions": (
        "test_phases::test_too_many_connect_at_once",
        "test_phases::test_no_further_session",
    ),
    "an interrupt, or the end of the client": (
        "test_leftovers::test_the_client_ends",
        "test_leftovers::test_the_command_line_is_interrupted",
    ),
    "names with quotes, newlines, substitutions, and long ones": ("test_shells::test_names_are_inert",),
    "modules in the home of the user there": ("test_shells::test_a_login_shell",),
    "what is expected is in no command line": (
        "test_shells::test_one_constant_command",
        "test_shells::test_one_constant_command_without_python3",
        "test_shells::test_nothing_of_a_spec_is_in_any_command_line",
    ),
    "connections that fail leave nothing open": ("test_phases::test_failures_leave_nothing",),
    "another locale, none, and no home": ("test_shells::test_no_locale_and_no_home",),
}


@pytest.mark.parametrize("case", PROOFS)
def test_it_is_proven(case: str) -> None:
    for proof in PROOFS[case]:
        module, _, name = proof.partition("::")
        tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name.startswith("test_")
        assert name in tests, proof
