"""fail2ban-regex with the filters of the distribution's package: the installed one, or one that is unpacked and not
installed, because to install it is to start a daemon that changes the machine's packet filter."""

import os
import pathlib
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
PLACE = "SALLYPORT_TEST_FAIL2BAN"  # where it is unpacked, or why it is not


def prepare():
    """Before the suite enters its world, which has no network."""
    if PLACE in os.environ or shutil.which("fail2ban-regex"):
        return
    place = tempfile.mkdtemp(prefix="sallyport-fail2ban-")
    done = subprocess.run("apt-get download -q fail2ban && dpkg-deb -x fail2ban_*.deb .", shell=True, cwd=place, text=True,
                          capture_output=True, timeout=240, check=False)
    os.environ[PLACE] = place
    if done.returncode != 0:
        shutil.rmtree(place)
        os.environ[PLACE] = "missing: " + " ".join((done.stdout + done.stderr).split())[-200:]


def root():
    place = os.environ.get(PLACE, "/")
    return None if place.startswith("missing") else pathlib.Path(place)


def why_not():
    return os.environ[PLACE]


def clean_up():
    if root() not in (None, pathlib.Path("/")):
        shutil.rmtree(root())


class Filters:
    """A copy of the package's configuration with our filter beside it."""

    def __init__(self, directory):
        self.directory = directory
        shutil.copytree(root() / "etc/fail2ban", directory)
        shutil.copy(TOP / "packaging/fail2ban/filter.d/sallyport.conf", directory / "filter.d")

    def run(self, log, name, *options):
        environment = {**os.environ, "PYTHONPATH": str(root() / "usr/lib/python3/dist-packages")}
        done = subprocess.run(["/usr/bin/python3", "-W", "ignore", str(root() / "usr/bin/fail2ban-regex"), "-c",
                               str(self.directory), *options, str(log), name], capture_output=True, text=True, timeout=120,
                              env=environment, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def failures(self, log, name):
        """address -> how many failures fail2ban counts for it."""
        found = {}
        for address in self.run(log, name, "-o", "<ip>").split():
            found[address] = found.get(address, 0) + 1
        return found
