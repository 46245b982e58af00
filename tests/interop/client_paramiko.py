"""Paramiko, in this process."""

import contextlib
import logging
import socket
import warnings

from clients import Client, Result

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import paramiko
    except ImportError:
        paramiko = None

logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Paramiko(Client):
    name = "paramiko"
    packages = ("python3-paramiko",)
    compresses = True

    def offered(self):
        assert paramiko, "python3-paramiko is not installed"
        transport = paramiko.Transport
        return {"kex": list(transport._kex_info), "host_key": list(transport._key_info),
                "cipher": list(transport._cipher_info), "mac": list(transport._mac_info)}

    @contextlib.contextmanager
    def connect(self, target, credential, choice=None, rekey=0):
        peer = socket.create_connection((target.host, target.port), timeout=60)
        transport = paramiko.Transport(peer)
        try:
            if choice:
                options = transport.get_security_options()
                options.kex, options.key_types = (choice.kex,), (choice.host_key,)
                options.ciphers, options.digests = (choice.cipher,), (choice.mac,)
            transport.use_compression(self.compress)
            if rekey:
                transport.packetizer.REKEY_BYTES = rekey
            transport.start_client(timeout=60)
            self.check_host_key(target, transport)
            self.authenticate(transport, credential)
            yield transport
        finally:
            transport.close()

    def check_host_key(self, target, transport):
        known = paramiko.HostKeys(str(target.known_hosts))
        key = transport.get_remote_server_key()
        assert known.check(f"[{target.host}]:{target.port}", key), "the server's key is not the one in known_hosts"

    def authenticate(self, transport, credential):
        if credential.method == "publickey":
            for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
                with contextlib.suppress(paramiko.SSHException, ValueError):
                    key = kind.from_private_key_file(str(credential.secret))
                    break
            transport.auth_publickey(credential.user, key)
        elif credential.method == "password":
            transport.auth_password(credential.user, credential.secret, fallback=False)
        else:
            transport.auth_interactive(credential.user, lambda _title, _text, prompts: [credential.secret for _ in prompts])

    def drain(self, channel):
        out = channel.makefile("rb").read()
        err = channel.makefile_stderr("rb").read()
        return Result(channel.recv_exit_status(), out, err)

    def log_in(self, target, credential, command, choice=None):
        try:
            with self.connect(target, credential, choice) as transport:
                channel = transport.open_session()
                channel.exec_command(command)
                return self.drain(channel)
        except (paramiko.SSHException, EOFError, OSError) as why:
            return Result(why=f"{type(why).__name__}: {why}")

    def shell(self, target, credential, typed):
        with self.connect(target, credential) as transport:
            channel = transport.open_session()
            channel.get_pty("xterm", 101, 31)
            channel.invoke_shell()
            channel.sendall(typed.encode())
            return self.drain(channel)

    def put(self, target, credential, local, remote, rekey=0):
        with self.connect(target, credential, rekey=rekey) as transport:
            paramiko.SFTPClient.from_transport(transport).put(str(local), remote)

    def get(self, target, credential, remote, local, rekey=0):
        with self.connect(target, credential, rekey=rekey) as transport:
            paramiko.SFTPClient.from_transport(transport).get(remote, str(local))
