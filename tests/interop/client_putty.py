"""PuTTY's plink and psftp. Algorithms and the rekey limit come from a saved session, by group and not by name."""

import pathlib

import os
import world
from clients import Client, run_program, start_program


class PuTTY(Client):
    name = "putty"
    packages = ("putty-tools",)
    chooses = False
    compresses = True

    def greet(self, port):
        return start_program(["plink", "-batch", "-ssh", "-P", port, "nobody@127.0.0.1", "true"])

    def key(self, path):
        converted = pathlib.Path(f"{path}.ppk")
        if not converted.exists():
            world.run("puttygen", str(path), "-O", "private", "-o", str(converted))
        return converted

    def session(self, credential, rekey):
        """A saved session's name, for what has no option on the command line."""
        directory = pathlib.Path(os.environ["HOME"]) / ".putty/sessions"
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{credential.method}-{rekey}-{self.compress}"
        lines = ["Protocol=ssh", f"AuthKI={int(credential.method == 'keyboard-interactive')}",
                 f"Compression={int(self.compress)}",
                 "TryAgent=0", "RekeyTime=0", "TermWidth=101", "TermHeight=31"]
        if rekey:
            lines.append(f"RekeyBytes={rekey}")
        (directory / name).write_text("\n".join(lines) + "\n")
        return name

    def arguments(self, program, target, credential, rekey=0):
        command = [program, "-load", self.session(credential, rekey), "-batch", "-P", target.port,
                   "-l", credential.user]
        if program == "plink":
            command.append("-ssh")
        for fingerprint in target.fingerprints:
            command += ["-hostkey", fingerprint]
        if credential.method == "publickey":
            command += ["-i", self.key(credential.secret)]
        else:
            command += ["-pw", credential.secret]
        return command

    def log_in(self, target, credential, command, choice=None):
        result = run_program([*self.arguments("plink", target, credential), target.host, command])
        if result.status == 1 and b"FATAL ERROR" in result.err:
            result.status, result.why = None, result.err.decode(errors="replace")
        return result

    def shell(self, target, credential, typed):
        return run_program([*self.arguments("plink", target, credential), "-t", target.host], typed.encode())

    def psftp(self, target, credential, batch, rekey):
        path = world.STATE / "psftp-batch"
        path.write_text(batch)
        result = run_program([*self.arguments("psftp", target, credential, rekey), "-b", path, target.host],
                             seconds=300)
        assert result.status == 0, f"psftp ended with {result.status}: {result.err!r} {result.out[-300:]!r}"

    def put(self, target, credential, local, remote, rekey=0):
        self.psftp(target, credential, f"put {local} {remote}\n", rekey)

    def get(self, target, credential, remote, local, rekey=0):
        self.psftp(target, credential, f"get {remote} {local}\n", rekey)
