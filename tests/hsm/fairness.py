"""Clients of several addresses at a slow token: how long each waits, in signatures."""

import time

from monitor import Exchange

FLOODER, FAIR = "198.51.100.7", "203.0.113.9"


def wait_of_one(signer, algorithm):
    """Seconds per signature while nobody else wants one."""
    started = time.monotonic()
    for _ in range(5):
        signer.must_sign(algorithm)
    return (time.monotonic() - started) / 5


class Flood:
    """Connections of one address, so many at a time: for each that is answered there is another one at once."""

    def __init__(self, signer, algorithm, outstanding, addresses=(FLOODER,)):
        self.signer, self.algorithm, self.addresses = signer, algorithm, list(addresses)
        self.waiting, self.signed, self.refused = {}, 0, 0
        for _ in range(outstanding):
            self.ask()

    def ask(self):
        exchange = Exchange(self.signer.offer, self.algorithm)
        address = self.addresses[len(self.waiting) % len(self.addresses)]
        self.waiting[self.signer.ask_sign(exchange, address=address)] = exchange

    def answered(self, answer, again=True):
        exchange = self.waiting.pop(answer["connection"])
        if answer["message"] == "sign_done":
            self.signer.check(exchange, answer)
            self.signed += 1
        else:
            assert b"busy" in answer["text"], answer
            self.refused += 1
        if again:
            self.ask()

    def end(self, seconds=60):
        while self.waiting:
            self.answered(self.signer.receive(seconds), again=False)


def waits_of_fair(signer, algorithm, flood, count, address=FAIR, **rekey):
    """How long each of `count` exchanges of somebody else took, one after the other, in the middle of it."""
    waits = []
    for _ in range(count):
        exchange, started = Exchange(signer.offer, algorithm, first=not rekey), time.monotonic()
        mine = signer.ask_sign(exchange, address=address, **rekey)
        while (answer := signer.receive(60))["connection"] != mine:
            flood.answered(answer)
        waits.append(time.monotonic() - started)
        signer.check(exchange, answer)
    return waits
