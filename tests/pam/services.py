"""PAM services of the tests: real pam_unix, and our own module in every mood. Log of the module's calls in LOG."""

import pathlib

import world
from login import PAM_DIRECTORY

LOG = pathlib.Path("/run/sallyport-test/pam.log")
CHANGED = pathlib.Path("/run/sallyport-test/password-changed")
UNIX = "pam_unix.so"


def module():
    return str(world.build_directory() / "tests/pam/pam_sallyport_test.so")


def service(auth="", account="", session="", password=""):
    """A service of our module with these arguments; `auth` may be a line of another module instead."""
    log = f"log={LOG}"
    lines = [auth if auth.startswith("pam_") else f"{module()} {log} {auth}",
             f"{module()} {log} state={CHANGED} {account}", f"{module()} {log} state={CHANGED} {password}",
             f"{module()} {log} {session}"]
    return "".join(f"{stage} required {line}\n" for stage, line in zip(("auth", "account", "password", "session"), lines))


def services():
    return {
        "plain": service("password=right"),
        "unix": f"auth required {UNIX} nullok\naccount required {UNIX}\npassword required {UNIX} yescrypt\n"
                f"session required {UNIX}\n",
        "multi": service("multi"), "rounds": service("rounds"), "empty": service("empty"),
        "control": service("control"), "text": service("text"), "code": service("code"), "many": service("many"),
        "retry": service("retry"), "slow": service("slow"),
        "hang": service("hang"), "user": service("password=right user=bob"),
        "cred": service("password=right cred=bob"),
        "expired": service("password=right", account="expired"),
        "deny": service("password=right", account="deny"), "notice": service("password=right", account="notice"),
        "nosession": service("password=right", session="fail"), "motd": service("password=right", session="motd"),
        "variables": service("password=right", session="env=KRB5CCNAME=here"),
        "loader": service("password=right", session="env=LD_PRELOAD=/tmp/evil.so"),
        "delay": f"auth optional pam_faildelay.so delay=5000000\n{service('password=right')}",
    }


def write():
    PAM_DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    for name, text in services().items():
        (PAM_DIRECTORY / name).write_text(text)
    (PAM_DIRECTORY / "other").write_text("".join(f"{stage} required pam_deny.so\n"
                                                 for stage in ("auth", "account", "password", "session")))


def log_clear():
    LOG.unlink(missing_ok=True)
    CHANGED.unlink(missing_ok=True)


def log_read():
    """[(stage, {pid, uid, tty, rhost})]"""
    if not LOG.exists():
        return []
    return [(line.split()[0], dict(item.split("=", 1) for item in line.split()[1:])) for line in LOG.read_text().splitlines()]


def stages():
    return [stage for stage, _ in log_read()]
