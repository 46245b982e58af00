"""Tokens that are not there when a configuration is loaded, and come later. Two tokens of SoftHSM2 in one directory: "soft", and
"late", whose files are moved away and back."""

import subprocess
import time

from monitor import Exchange

SOON = 6  # seconds in which a token is found that has come; it is looked for every second at least


def until(signer, told, seconds=SOON):
    """Takes in what the signer says until `told` is so."""
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, f"not told in {seconds} s: {signer.states} {signer.events[-6:]}"
        signer.drain(0.05)


def events(signer, name):
    return [text for event, text in signer.events if event == name]


class Late:
    """A second token beside the one called "soft". run: a command of the suite's, which must succeed."""

    def __init__(self, token, give, run, module, pin):
        self.token, self.give, self.run, self.module, self.pin = token, give, run, module, pin
        before = set(token.tokens.iterdir())
        run("softhsm2-util", "--init-token", "--free", "--label", "late", "--so-pin", "5678-officer", "--pin", pin,
            environment=token.environment)
        [self.here] = set(token.tokens.iterdir()) - before
        [self.soft] = before
        self.away = token.directory / "late-away"
        self.generate("ed25519", "EC:edwards25519", "01")

    def generate(self, name, kind, number):
        self.run("pkcs11-tool", "--module", self.module, "--token-label", "late", "--login", "--pin", self.pin,
                 "--keypairgen", "--key-type", kind, "--usage-sign", "--label", name, "--id", number,
                 environment=self.token.environment)
        self.give(self.token.directory)

    def twin(self):
        """One key pair in both tokens."""
        key = self.token.directory / "twin.pem"
        key.write_bytes(subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                                       check=True, capture_output=True).stdout)
        for label in ("soft", "late"):
            self.run("softhsm2-util", "--import", str(key), "--token", label, "--label", "twin", "--id", "77", "--pin",
                     self.pin, environment=self.token.environment)
        key.unlink()
        self.give(self.token.directory)

    def leave(self):
        self.here.rename(self.away)

    def come(self):
        self.away.rename(self.here)

    def configuration(self, *keys, more=()):
        """keys: TOKEN/OBJECT."""
        first = self.token.configuration(more=more)
        return "".join(f"HostKey pkcs11:token={key.split('/')[0]};object={key.split('/')[1]};type=private\n"
                       for key in keys) + first


def serves_with_the_others(signer, late):
    late.leave()
    offer = signer.must_configure(late.configuration("soft/p256", "late/ed25519"))
    assert offer["host_key"] == "ecdsa-sha2-nistp256" and len(offer["keys"]) == 1, offer
    until(signer, lambda: events(signer, "host_key_absent"))
    [said] = events(signer, "host_key_absent")
    assert "object=ed25519" in said and "no token fits" in said, said
    assert signer.state("soft")["state"] == "ready" and signer.state("late")["state"] == "absent", signer.states
    assert [key["can_sign"] for key in signer.state("soft")["keys"]] == [True]
    assert [(key["can_sign"], key["fingerprint"]) for key in signer.state("late")["keys"]] == [(False, "")]
    signer.must_sign("ecdsa-sha2-nistp256")
    _, answer = signer.sign("ssh-ed25519")
    assert answer["message"] == "sign_refused" and answer["reason"] == 3, "an algorithm that no key has was negotiated"
    old = signer.offer
    session = signer.must_sign("ecdsa-sha2-nistp256")
    signer.drain(1.5)  # several tries later
    late.come()
    started = time.monotonic()
    assert signer.configured(SOON)["message"] == "configured"
    took = time.monotonic() - started
    assert sorted(signer.offer["host_key"].split(",")) == ["ecdsa-sha2-nistp256", "ssh-ed25519"], signer.offer
    until(signer, lambda: "object=ed25519" in "".join(events(signer, "host_key_found")))
    signer.must_sign("ssh-ed25519")
    signer.must_sign("ecdsa-sha2-nistp256")
    until(signer, lambda: signer.state("late")["state"] == "ready" and signer.state("late")["keys"][0]["can_sign"])
    # What was sent by the older offer is signed: in a first exchange that was under way, and in later ones.
    exchange = Exchange(old, "ecdsa-sha2-nistp256")
    signer.ask_sign(exchange)
    signer.check(exchange, signer.receive())
    rekey = Exchange(old, "ecdsa-sha2-nistp256", first=False)
    signer.ask_sign(rekey, first=False, session_id=session["h"], connection=session["connection"])
    signer.check(rekey, signer.receive())
    # And what no offer was is refused as ever.
    liar = Exchange({**old, "host_key": "ssh-ed25519"}, "ssh-ed25519")
    signer.ask_sign(liar)
    assert signer.receive()["message"] == "sign_refused"
    return f"offered {took * 1000:.0f} ms after it had come"


def waits_for_the_first(signer, late):
    late.leave()
    answer = signer.configure(late.configuration("late/ed25519"))
    assert answer["message"] == "unconfigured" and answer["waits"] == 1, answer
    assert b"object=ed25519" in answer["why"] and b"no token fits" in answer["why"], answer
    assert len(events(signer, "keys_awaited")) == 1, signer.events
    signer.drain(2)
    assert len(events(signer, "keys_awaited")) == 1, "it is said again and again"
    assert signer.state("late")["state"] == "absent", signer.states
    late.come()
    started = time.monotonic()
    assert signer.configured(SOON)["message"] == "configured"
    took = time.monotonic() - started
    signer.must_sign("ssh-ed25519")
    return f"served {took * 1000:.0f} ms after it had come"


def waits_for_one_that_the_policy_can_use(signer, late):
    """What is there is not allowed; what is allowed is not there."""
    late.leave()
    answer = signer.configure(late.configuration("soft/p256", "late/ed25519", more=["HostKeyAlgorithms ssh-ed25519"]))
    assert answer["message"] == "unconfigured" and answer["waits"] == 1, answer
    assert b"HostKeyAlgorithms" in answer["why"] and b"object=ed25519" in answer["why"], answer
    late.come()
    assert signer.configured(SOON)["message"] == "configured"
    assert signer.offer["host_key"] == "ssh-ed25519"
    signer.must_sign("ssh-ed25519")


def a_staged_key_is_not_enough(signer, late):
    late.leave()
    staged = "HostKeyStaged pkcs11:token=soft;object=p256;type=private"
    answer = signer.configure(late.configuration("late/ed25519", more=[staged]))
    assert answer["message"] == "unconfigured" and answer["waits"] == 1, answer
    late.come()
    assert signer.configured(SOON)["message"] == "configured"
    assert signer.offer["host_key"] == "ssh-ed25519" and len(signer.offer["keys"]) == 2


def a_reload_wants_what_was_there(signer, late):
    good = late.configuration("soft/p256", "late/ed25519", more=["TokenTimeout 4"])
    signer.must_configure(good)
    why = signer.must_not_configure(good.replace("token=late", "token=lat"), waits=0)
    assert "token=lat" in why and "no token fits" in why, why
    why = signer.must_not_configure(good.replace("object=ed25519", "object=ed25518"), waits=0)
    assert "object=ed25518" in why, why
    late.leave()
    why = signer.must_not_configure(good.replace("token=soft;object=p256", "token=soft;object=p384"), waits=0)
    assert "token=late" in why or "object=ed25519" in why, why


def a_reload_goes_without_what_was_away(signer, late, kill):
    """It was lost under the configuration in force, so that it is away is no mistake of the new one."""
    good = late.configuration("soft/p256", "late/ed25519")
    signer.must_configure(good)
    late.leave()
    kill()
    until(signer, lambda: signer.state("late")["state"] == "absent" and signer.state("soft")["state"] == "ready")
    offer = signer.must_configure(good + "LoginGraceTime 100\n")
    assert offer["host_key"] == "ecdsa-sha2-nistp256", offer
    until(signer, lambda: events(signer, "host_key_absent"))
    late.come()
    # The generation before had it already, and offers nothing new.
    assert signer.configured(SOON)["generation"] == signer.generation
    assert "ssh-ed25519" in signer.offer["host_key"]
    late.leave()
    kill()
    until(signer, lambda: signer.state("late")["state"] == "absent")
    # All that it names being away, it is refused all the same: what is in force has keys.
    signer.must_not_configure(late.configuration("late/ed25519"), waits=0)
    late.come()


def the_same_key_fails_over_from_the_start(signer, late, kill):
    late.twin()
    late.leave()
    signer.must_configure(late.configuration("late/twin", "soft/twin"))
    assert len(signer.offer["keys"]) == 1
    signer.must_sign("ecdsa-sha2-nistp256")
    late.come()
    until(signer, lambda: signer.state("late")["keys"][0]["can_sign"])
    signer.drain(0.3)  # the same public key is nothing new to clients
    gone = late.soft.with_name("soft-away")
    late.soft.rename(late.token.directory / gone.name)
    kill()
    for _ in range(3):
        signer.must_sign("ecdsa-sha2-nistp256", seconds=5)
    until(signer, lambda: signer.state("soft")["state"] == "absent" and signer.state("late")["state"] == "ready")
    assert [token["keys"][0]["can_sign"] for token in signer.states if "soft" in token["name"]] == [False]
    (late.token.directory / gone.name).rename(late.soft)


def all_processes_on_it_join_together(signer, late):
    late.leave()
    signer.must_configure(late.configuration("soft/p256", "late/ed25519", more=["TokenThreads 3"]))
    late.come()
    assert signer.configured(SOON)["message"] == "configured"
    assert [token["state"] for token in signer.states] == ["ready"] * 6, signer.states
    for _ in range(10):
        signer.must_sign("ssh-ed25519")


def a_wrong_pin_is_found_when_it_comes(signer, late, pin_file):
    late.leave()
    other = f"HostKey pkcs11:token=late;object=ed25519;type=private?pin-source=file:{pin_file}\n"
    signer.must_configure(late.configuration("soft/p256") + other)
    late.come()
    until(signer, lambda: signer.state("late")["state"] == "pin_refused")
    assert "PIN is wrong" in signer.state("late")["why"], signer.states
    signer.drain(1)
    assert signer.state("late")["starts"] == signer.states[-1]["starts"]
    assert len(events(signer, "token_unusable")) == 1, "it was tried again"
    signer.must_sign("ecdsa-sha2-nistp256")
    # Loaded anew, it is there and wrong, which is refused; what is in force signs on.
    signer.must_not_configure(late.configuration("soft/p256") + other, waits=0)
    signer.generation -= 1
    signer.must_sign("ecdsa-sha2-nistp256")


def a_key_that_comes_and_proves_nothing(signer, faulty, configuration):
    """The token of the faulty module is away, and comes with signatures that are wrong."""
    faulty.break_with("C_Initialize 0xe0")
    offer = signer.must_configure(configuration)
    assert offer["host_key"] == "ecdsa-sha2-nistp256", offer
    faulty.break_with("C_Sign flip")
    until(signer, lambda: events(signer, "host_key_wrong"))
    [said] = events(signer, "host_key_wrong")
    assert "object=p384" in said and "does not prove itself" in said, said
    faulty.break_with()
    signer.drain(0.5)
    signer.must_sign("ecdsa-sha2-nistp256")
    assert len(signer.offer["keys"]) == 1
    # Reloaded, it is looked at again.
    assert len(signer.must_configure(configuration)["keys"]) == 2
    signer.must_sign("ecdsa-sha2-nistp384")


def a_new_monitor_hears_nothing_of_the_old(signer, late):
    """Both count their configurations from one, and mean others by it."""
    late.leave()
    assert signer.configure(late.configuration("late/ed25519"))["waits"] == 1
    signer.link.close()
    signer.connect()
    signer.generation = 0
    signer.must_configure(late.configuration("soft/p256"))
    late.come()
    signer.drain(3)  # nothing comes of what the first one wanted
    signer.must_sign("ecdsa-sha2-nistp256")
    late.leave()
    signer.link.close()
    signer.connect()
    signer.generation = 0
    signer.offer = None
    signer.must_configure(late.configuration("soft/p256", "late/ed25519"))
    signer.link.close()
    signer.connect()
    signer.generation = 0
    answer = signer.configure(late.configuration("late/ed25519"), reload=False)
    assert answer["message"] == "unconfigured" and answer["waits"] == 1, answer
    late.come()
    assert signer.configured(SOON)["message"] == "configured"
    assert signer.offer["host_key"] == "ssh-ed25519", "that is the offer of the configuration before"
    signer.must_sign("ssh-ed25519")


def starts(column, signer, configuration):
    """A cell of the table: the only token is not there when the server starts."""
    column.away()
    answer = signer.configure(configuration)
    assert answer["message"] == "unconfigured" and answer["waits"] == 1, f"{column.name}: {answer}"
    signer.drain(1)
    column.back()
    started = time.monotonic()
    assert signer.configured(SOON)["message"] == "configured"
    took = time.monotonic() - started
    signer.must_sign(column.algorithm)
    column.table.note("the token is not there at the start", column.name, f"waits, served {took * 1000:.0f} ms later")
