"""One suite of tests: rows on standard output as they happen, a count at the end.

A test is a callable that returns None or a short remark and raises to fail (AssertionError for a claim that does not
hold). Every test has a time limit of its own, so that a server that hangs fails one row and not the run.
"""

import contextlib
import signal
import sys
import time
import traceback


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


class TimeLimit(Exception):
    pass


def _on_alarm(_signal, _frame):
    raise TimeLimit


@contextlib.contextmanager
def time_limit(seconds):
    previous = signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def one_line(text, limit=400):
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[:limit] + "..."


class Suite:
    def __init__(self, name, only=()):
        self.name = name
        self.only = list(only)
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures = []

    def wants(self, test):
        return not self.only or any(part in test for part in self.only)

    def row(self, result, test, remark=""):
        self.counts[result] += 1
        word = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[result]
        print(f"{word} {self.name}: {test}" + (f": {one_line(remark)}" if remark else ""), flush=True)

    def run(self, test, function, *arguments, seconds=60, on_failure=None, always=False):
        """Runs one test; always: also when only others are wanted, as they stand on it. on_failure() may return more to show, such as the end of a server's log."""
        if not always and not self.wants(test):
            return False
        started = time.monotonic()
        try:
            with time_limit(seconds):
                remark = function(*arguments)
        except Skip as why:
            self.row("skipped", test, why)
        except TimeLimit:
            self.fail(test, f"no end within {seconds} s", on_failure)
        except AssertionError as why:
            self.fail(test, why or traceback.format_exc(limit=-1), on_failure)
        except Exception as why:  # a client library may raise anything
            self.fail(test, f"{type(why).__name__}: {why}", on_failure)
            traceback.print_exc(limit=-3, file=sys.stdout)
        else:
            took = time.monotonic() - started
            self.row("passed", test, remark or (f"{took:.1f} s" if took > 5 else ""))
            return True
        return False

    def fail(self, test, why, on_failure=None):
        self.row("failed", test, why)
        if on_failure:
            for line in on_failure():
                print(f"     | {line}")

    def end(self):
        """The last line, in the form that tests/run adds up. Returns the exit status."""
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**self.counts), flush=True)
        return 1 if self.counts["failed"] or not sum(self.counts.values()) else 0


def expect(actual, wanted, what="result"):
    assert actual == wanted, f"{what} is {actual!r:.300}, not {wanted!r:.300}"
