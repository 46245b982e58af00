"""Claims about clients that guess: what they cannot learn from times, and that no way of guessing goes uncounted."""

import statistics
import time

import world
from keys import Ed25519
from login import SESSION, Login
from suite import expect

KEY = Ed25519()
GROUPS = 400_000  # lines of /etc/group: a directory that takes its time


def abandoned_guesses_are_counted():
    with Login("alice", "MaxAuthTries 3", service="retry") as login:
        for _ in range(2):
            login.dialogue()
            expect(login.respond("wrong").name, "auth_info_request")
        expect(login.dialogue().name, "auth_info_request")
        expect(login.respond("wrong").name, "auth_info_request")
        expect(login.dialogue().name, "auth_over")
        login.monitor_read()
        expect([attempt[:2] for attempt in login.attempts], [("keyboard-interactive", "failed")] * 3)
        login.closed()


def abandoning_before_an_answer_costs_nothing():
    with Login("alice", "MaxAuthTries 2", service="retry") as login:
        for _ in range(5):
            expect(login.dialogue().name, "auth_info_request")
        expect(login.respond("right").name, "auth_success")


def second_prompt_time(user):
    with Login(user, service="slow") as login:
        login.dialogue()
        started = time.monotonic()
        expect(login.respond("wrong").name, "auth_info_request")
        return time.monotonic() - started


def later_prompts_come_at_the_same_time_for_everybody():
    times = {user: [] for user in ("alice", "nobody-here")}
    for _ in range(3):
        for user, found in times.items():
            found.append(second_prompt_time(user))
    medians = {user: statistics.median(found) for user, found in times.items()}
    assert abs(medians["alice"] - medians["nobody-here"]) < 0.03, medians
    return str(medians)


def first_key_time(user):
    with Login(user) as login:
        login.ask("auth_none")
        started = time.monotonic()
        expect(login.publickey(KEY, sign=False).name, "auth_failure")
        return time.monotonic() - started


def the_helper_starts_within_one_quantum():
    """Otherwise a file or none decides in which of two the answer comes, and enough questions tell."""
    found = [first_key_time(user) for _ in range(15) for user in ("alice", "nobody-here")]
    quanta = 1
    if b"libasan" in SESSION.read_bytes():  # with sanitizers it takes longer to start; but always the same
        quanta = min(round(statistics.median(found) / 0.030), 3)
    late = [took for took in found if not 0.030 * quanta - 0.001 < took < 0.030 * quanta + 0.010]
    assert len(late) <= 3, late  # a busy machine's own
    return f"median {1000 * statistics.median(found):.1f} ms"


def first_answer_time(user):
    started = time.monotonic()
    with Login(user) as login:
        expect(login.ask("auth_none").name, "auth_failure")
        return time.monotonic() - started


def looking_a_user_up_takes_the_same_time_for_everybody():
    path = world.pathlib.Path("/etc/group")
    before = path.read_text()
    times = {user: [] for user in ("alice", "nobody-here")}
    try:
        path.write_text(before + "".join(f"g{n}:x:{100000 + n}:\n" for n in range(GROUPS)))
        for _ in range(7):
            for user, found in times.items():
                found.append(first_answer_time(user))
    finally:
        path.write_text(before)
    medians = {user: statistics.median(found) for user, found in times.items()}
    assert abs(medians["alice"] - medians["nobody-here"]) < 0.02, medians
    return str(medians)


def tests():
    """(name, function, arguments)"""
    plain = [
        abandoned_guesses_are_counted, abandoning_before_an_answer_costs_nothing,
        the_helper_starts_within_one_quantum,
        later_prompts_come_at_the_same_time_for_everybody, looking_a_user_up_takes_the_same_time_for_everybody,
    ]
    return [(function.__name__, function, (), {}) for function in plain]
