"""What becomes of a handshake when its token fails: one is in flight when the fault begins, and another comes after it has
ended. Nobody lends a hand in between: no restart of the signer, no reload. Each measurement is a cell of a table."""

import os
import signal
import time

from monitor import Exchange

DEADLINE = 4  # seconds, the TokenTimeout of every measurement
SHORT = 1  # seconds: an absence that a handshake can wait for
OPTIONS = (f"TokenTimeout {DEADLINE}",)
COLUMNS = ("SoftHSM2", "TPM", "remote", "fault module")
SERVED, REFUSED = "served", "refused"

# Results of C_Sign and C_SignInit that mean a token which is gone, for now.
CODES = {"0x02": "HOST_MEMORY", "0x03": "SLOT_ID_INVALID", "0x05": "GENERAL_ERROR", "0x06": "FUNCTION_FAILED", "0x30": "DEVICE_ERROR", "0x31": "DEVICE_MEMORY", "0x32": "DEVICE_REMOVED",
         "0x60": "KEY_HANDLE_INVALID", "0x82": "OBJECT_HANDLE_INVALID", "0x90": "OPERATION_ACTIVE",
         "0x91": "OPERATION_NOT_INITIALIZED", "0xb0": "SESSION_CLOSED", "0xb1": "SESSION_COUNT",
         "0xb3": "SESSION_HANDLE_INVALID", "0xe0": "TOKEN_NOT_PRESENT", "0xe1": "TOKEN_NOT_RECOGNIZED",
         "0x101": "USER_NOT_LOGGED_IN", "0x190": "CRYPTOKI_NOT_INITIALIZED", "0x80000001": "a vendor's own"}
# Results that say something of this request only: it is refused at once, and the process goes on.
REFUSALS = {"0x20": "DATA_INVALID", "0x21": "DATA_LEN_RANGE", "0x54": "FUNCTION_NOT_SUPPORTED", "0x70": "MECHANISM_INVALID"}
# Results that somebody has to see to: a PIN that is tried again and again is lost.
STOPS = {"0xa3": "PIN_EXPIRED", "0xa4": "PIN_LOCKED"}


class Table:
    def __init__(self):
        self.rows = {}

    def note(self, row, column, text):
        self.rows.setdefault(row, {})[column] = text

    def print(self):
        if not self.rows:
            return
        lines = [("fault", *COLUMNS)]
        lines += [(row, *(cells.get(column, "-") for column in COLUMNS)) for row, cells in self.rows.items()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        lines.insert(1, tuple("-" * width for width in widths))
        print(f"\nWhat a handshake in flight got (TokenTimeout {DEADLINE}), and when the next one was served without a hand:\n")
        for line in lines:
            print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        print(flush=True)


class Column:
    """A configured signer on one kind of token; away() takes the token away and back() brings it again. tidy() is what
    the machine does for a token when a process that used it is no more."""

    def __init__(self, table, name, signer, algorithm, away=None, back=None, tidy=lambda: None):
        self.table, self.name, self.signer, self.algorithm = table, name, signer, algorithm
        self.away, self.back, self.tidy = away, back, tidy

    def measure(self, row, begin, wanted, end=None, after=None, until_event=None):
        """begin() is the fault; end() mends it `after` seconds, or at the first such event, or when the handshake has
        its answer. Returns the first answer's time in seconds."""
        signer = self.signer
        signer.must_sign(self.algorithm)
        signer.drain(0.02)
        signer.events.clear()
        begin()
        exchange, started = Exchange(signer.offer, self.algorithm), time.monotonic()
        connection = signer.ask_sign(exchange)
        answer = None
        if after is not None or until_event is not None:
            answer = self.wait(after, until_event)
            end()
        answer = answer or signer.receive(DEADLINE + 5)
        took = time.monotonic() - started
        if end and after is None and until_event is None:
            end()
        assert answer["connection"] == connection, f"{row}: the answer is for another connection"
        got = self.judge(row, exchange, answer)
        again = self.again = self.next_one(row)
        self.table.note(row, self.name, f"{got} {took * 1000:.0f} ms, next {again * 1000:.0f} ms")
        assert got == wanted, f"{row}: {got} after {took:.2f} s ({answer.get('why')})"
        assert took < DEADLINE + 1.5, f"{row}: {took:.2f} s, and TokenTimeout is {DEADLINE}"
        return took

    def measure_stop(self, row, begin, end, reload):
        """A fault after which nothing is tried before somebody has reloaded the configuration."""
        signer = self.signer
        signer.must_sign(self.algorithm)
        begin()
        started = time.monotonic()
        got = self.judge(row, *signer.sign(self.algorithm, DEADLINE + 5))
        took = time.monotonic() - started
        end()
        assert got == REFUSED, f"{row}: {got}"
        assert signer.sign(self.algorithm, DEADLINE + 5)[1]["message"] == "sign_refused", f"{row}: it was tried again"
        reload()
        signer.must_sign(self.algorithm)
        self.table.note(row, self.name, f"{got} {took * 1000:.0f} ms, next after a reload")

    def wait(self, after, until_event):
        """The answer, if one comes before it is time to mend."""
        until = time.monotonic() + (DEADLINE if after is None else after)
        while time.monotonic() < until:
            try:
                return self.signer.receive(0.02)
            except TimeoutError:
                pass
            if until_event and any(event == until_event for event, _ in self.signer.events):
                return None
        assert not until_event, f"no {until_event}"
        return None

    def judge(self, row, exchange, answer):
        if answer["message"] == "sign_done":
            self.signer.check(exchange, answer)
            return SERVED
        assert answer["message"] == "sign_refused" and answer["text"], f"{row}: no clean end: {answer}"
        return REFUSED

    def next_one(self, row):
        """A handshake after the fault; one that is refused while the token comes back may be tried once more, as clients do."""
        started = time.monotonic()
        for _ in range(2):
            exchange, answer = self.signer.sign(self.algorithm, DEADLINE + 5)
            if answer["message"] == "sign_done":
                self.signer.check(exchange, answer)
                return time.monotonic() - started
        self.table.note(row, self.name, "needs a hand")
        raise AssertionError(f"{row}: it does not recover by itself: {answer.get('why')}")

    def process(self, number):
        for pid in self.signer.token_processes():
            os.kill(pid, number)


def losses(column):
    """The rows that every kind of token has."""
    def kill():
        column.process(signal.SIGKILL)
        column.tidy()

    column.measure("its process is killed", kill, SERVED)
    waited = column.measure("its process hangs", lambda: column.process(signal.SIGSTOP), REFUSED, column.tidy)
    assert waited >= DEADLINE - 0.5, f"refused after {waited:.2f} s already"
    absences(column)


def absences(column):
    waited = column.measure(f"the token is away for {SHORT} s", column.away, SERVED, column.back, after=SHORT)
    assert waited >= SHORT, "it was served without a token"
    waited = column.measure("the token is away until the deadline", column.away, REFUSED, column.back)
    assert waited >= DEADLINE - 0.5, f"refused after {waited:.2f} s already"
    assert column.again < SHORT, f"the next one waited {column.again:.2f} s for a token that was there again"

    def between():
        column.away()
        time.sleep(SHORT)
        column.back()

    column.measure(f"the token was away for {SHORT} s between two", between, SERVED)


def breaks(column, faulty, reload):
    """The rows of the fault module."""
    def measure(row, *faults, wanted, **when):
        return column.measure(row, lambda: faulty.break_with(*faults), wanted, faulty.break_with, **when)

    measure("a wrong signature, once", "C_Sign flip once", wanted=SERVED)
    measure("wrong signatures, always", "C_Sign flip", wanted=REFUSED)
    for code, name in CODES.items():
        for call in ("C_Sign", "C_SignInit"):
            measure(f"{call}: {code} {name}", f"{call} {code}", wanted=SERVED, until_event="token_lost")
    for code, name in REFUSALS.items():
        for call in ("C_Sign", "C_SignInit"):
            before = column.signer.token_processes()
            measure(f"{call}: {code} {name}", f"{call} {code}", wanted=REFUSED)
            assert column.signer.token_processes() == before, f"{call}: {code} {name}: another process"
    for code, name in STOPS.items():
        column.measure_stop(f"C_Login: {code} {name}, after a loss",
                            lambda code=code: faulty.break_with("C_Sign 0x30", f"C_Login {code}"), faulty.break_with, reload)
    measure("C_Sign: 0x30 DEVICE_ERROR, always", "C_Sign 0x30", wanted=REFUSED)
    slow = measure("200 ms slower", "C_Sign delay:200", wanted=SERVED)
    assert slow >= 0.2, "it was not slow"
    stuck = measure("C_Sign never returns", "C_Sign hang", wanted=REFUSED)
    assert stuck >= DEADLINE - 0.5, f"refused after {stuck:.2f} s already"
    gone = ("C_Sign 0x82", "C_FindObjectsInit vanish")
    measure(f"the object has vanished for {SHORT} s", *gone, wanted=SERVED, after=SHORT)
    measure("the object has vanished until the deadline", *gone, wanted=REFUSED)
    full = ("C_SignInit 0xb1", "C_OpenSession 0xb1")
    measure(f"no session is free for {SHORT} s", *full, wanted=SERVED, after=SHORT)
    measure("no session is free until the deadline", *full, wanted=REFUSED)
    measure("a crash in C_Sign, once", "C_Sign crash once", wanted=SERVED)
    measure("a crash in C_Sign, always", "C_Sign crash", wanted=REFUSED)


def threads(column, faulty, count):
    """A module with threads of its own, which a new process has again."""
    faulty.break_with(f"C_Initialize threads:{count}")
    for row in (f"{count} threads of the module", f"{count} threads, and its process is killed"):
        begin = (lambda: None) if "killed" not in row else lambda: column.process(signal.SIGKILL)
        if "killed" not in row:
            column.process(signal.SIGKILL)  # the one before has none
        column.measure(row, begin, SERVED)
        for pid in column.signer.token_processes():
            with open(f"/proc/{pid}/status") as status:
                found = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
            assert found == count + 1, f"{row}: {found} threads"


class Recorder:
    """The signer's link, with everything that came over it."""

    def __init__(self, link):
        self.link, self.received = link, []

    def recv(self, size):
        data = self.link.recv(size)
        self.received.append(data)
        return data

    def __getattr__(self, name):
        return getattr(self.link, name)


def chance(signer, faulty, algorithm, count, window=8):
    """Handshakes at a module that is wrong once in three times. Every signature that leaves is verified, and none of those
    that the module knows to be wrong may be in anything that leaves."""
    recorder = signer.link = Recorder(signer.link)
    faulty.break_with("C_Sign flip:3")
    waiting, asked, served, refused = {}, 0, 0, 0
    while asked < count or waiting:
        while asked < count and len(waiting) < window:
            exchange = Exchange(signer.offer, algorithm)
            waiting[signer.ask_sign(exchange)] = exchange
            asked += 1
        answer = signer.receive(20)
        exchange = waiting.pop(answer["connection"])
        if answer["message"] == "sign_done":
            signer.check(exchange, answer)
            served += 1
        else:
            assert answer["message"] == "sign_refused" and answer["text"], answer
            refused += 1
    signer.drain()
    wrong = [bytes.fromhex(line) for line in open(f"{faulty.file}.flipped").read().split()]
    everything = b"\n".join(recorder.received)
    assert served + refused == count
    assert len(wrong) > count / 5 and refused > count / 50, f"{len(wrong)} wrong ones only, {refused} refused"
    assert served > count / 2, f"{served} of {count} served"
    assert not any(signature in everything for signature in wrong), "a wrong signature got out"
    return f"{served} served, {refused} refused, {len(wrong)} wrong signatures kept in"
