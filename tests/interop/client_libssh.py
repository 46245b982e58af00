"""libssh, through tests/interop/libssh_client.c."""

import subprocess

import world
from clients import Client, run_program, start_program


class Libssh(Client):
    name = "libssh"
    packages = ("libssh-dev",)
    compresses = True
    # Asked for exactly these, where its default KEXINIT holds back what it has.
    program = world.build_directory() / "tests/interop/libssh_client"

    def greet(self, port):
        return start_program([self.program, "exec", "127.0.0.1", port, "nobody", "/dev/null", "password", "x", 0, ""])

    def drive(self, action, target, credential, argument, stdin=None, rekey=0, seconds=120):
        result = run_program([self.program, action, target.host, target.port, credential.user, target.known_hosts,
                              credential.method, credential.secret, rekey, argument], stdin,
                             {"COMPRESSION": "yes"} if self.compress else {}, seconds)
        if result.status in (254, 255):
            result.why = "credentials refused" if result.status == 254 else result.err.decode(errors="replace")
            result.status = None
        return result

    def log_in(self, target, credential, command, choice=None):
        return self.drive("exec", target, credential, command)

    def log_in_each(self, target, credential, choices):
        with subprocess.Popen([str(self.program), "matrix", target.host, str(target.port), credential.user,
                               str(target.known_hosts), str(credential.secret)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as program:
            for choice in choices:
                program.stdin.write(f"{choice.kex} {choice.host_key} {choice.cipher} {choice.mac}\n")
                program.stdin.flush()
                answer = program.stdout.readline().strip()
                yield choice, None if answer == "ok" else answer or "the client ended"
            program.stdin.close()

    def shell(self, target, credential, typed):
        return self.drive("shell", target, credential, typed)

    def put(self, target, credential, local, remote, rekey=0):
        with open(local, "rb") as source:
            result = self.drive("put", target, credential, remote, source, rekey, 300)
        assert result.status == 0, f"put ended with {result.status}: {result.why}"

    def get(self, target, credential, remote, local, rekey=0):
        result = self.drive("get", target, credential, remote, None, rekey, 300)
        assert result.status == 0, f"get ended with {result.status}: {result.why}"
        with open(local, "wb") as out:
            out.write(result.out)
