"""fail2ban-regex with the filters of the distribution's package."""

import os
import pathlib
import shutil
import subprocess

import unpacked

TOP = pathlib.Path(__file__).resolve().parents[2]


class Filters:
    """A copy of the package's configuration with our files in it, and no jail but ours."""

    def __init__(self, directory):
        self.directory = directory
        shutil.copytree(unpacked.root("fail2ban") / "etc/fail2ban", directory)
        for path in (directory / "jail.d").iterdir():
            path.unlink()
        for folder in ("filter.d", "jail.d"):
            shutil.copy(TOP / "packaging/fail2ban" / folder / "sallyport.conf", directory / folder)

    def call(self, program, *arguments):
        place = unpacked.root("fail2ban")
        environment = {**os.environ, "PYTHONPATH": str(place / "usr/lib/python3/dist-packages")}
        done = subprocess.run(["/usr/bin/python3", "-W", "ignore", str(place / "usr/bin" / program), "-c", str(self.directory),
                               *arguments], capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def failures(self, log, name):
        """address -> how many failures fail2ban counts for it."""
        found = {}
        for address in self.call("fail2ban-regex", "-o", "<ip>", str(log), name).split():
            found[address] = found.get(address, 0) + 1
        return found

    def commands(self):
        """What the daemon would be told, one list per line."""
        return self.call("fail2ban-client", "-d")
