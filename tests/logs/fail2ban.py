"""fail2ban-regex with the filters of the distribution's package."""

import os
import pathlib
import shutil
import subprocess

import unpacked

TOP = pathlib.Path(__file__).resolve().parents[2]


class Filters:
    """A copy of the package's configuration with our filter beside it."""

    def __init__(self, directory):
        self.directory = directory
        shutil.copytree(unpacked.root("fail2ban") / "etc/fail2ban", directory)
        shutil.copy(TOP / "packaging/fail2ban/filter.d/sallyport.conf", directory / "filter.d")

    def run(self, log, name, *options):
        environment = {**os.environ, "PYTHONPATH": str(unpacked.root("fail2ban") / "usr/lib/python3/dist-packages")}
        done = subprocess.run(["/usr/bin/python3", "-W", "ignore", str(unpacked.root("fail2ban") / "usr/bin/fail2ban-regex"), "-c",
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
