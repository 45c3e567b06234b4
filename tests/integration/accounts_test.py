#!/usr/bin/env python3
"""accounts_test.py KITHD KITH: an operator and a person end accounts, change passwords and use tokens of a host."""

import atexit
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

KITHD, KITH = sys.argv[1:]
OLD, NEW, NEWER = "the old password", "quite another one", "and a third one of it"


def expect(condition, what):
    print(f"  {'ok' if condition else 'WRONG'}: {what}", flush=True)
    if not condition:
        sys.exit(1)


def run(*command, text="", env=None, cwd=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, cwd=cwd,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def expired(handle, secret):
    """A token of the host that has ended some minutes ago."""
    def b64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"sub": handle, "iat": time.time() - 900, "exp": time.time() - 300, "aud": "kith", "iss": "tests"}
    signed = b64(b'{"alg":"HS256"}') + b"." + b64(json.dumps(claims).encode())
    return (signed + b"." + b64(hmac.new(secret.encode(), signed, hashlib.sha256).digest())).decode()


class Server:
    def __init__(self, scratch, *flags, port="0"):
        self.data = str(scratch / "data")
        self.log_file = scratch / "log"
        self.command = [KITHD, "--plain", "--port", port, "--data", self.data, "--password-cost", "10", *flags]

    def __enter__(self):
        with open(self.log_file, "w") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)
        atexit.register(self.process.kill)  # also when the test fails
        line = self.process.stdout.readline()
        found = re.match(r"listening on (\S+)", line)
        expect(found, f"kithd listens: {line.strip()}")
        self.url = found.group(1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def reload(self, event="reloaded"):
        """Asks for it, waits until it is done, and gives the line that says so."""
        before = len(self.log_file.read_text())
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            said = self.log_file.read_text()[before:]
            for line in said.splitlines():
                if " reload" in line and said.endswith("\n"):
                    expect(f" {event} " in line, f"SIGHUP: {line}")
                    return line
            time.sleep(0.02)
        sys.exit("SIGHUP was not answered")


def kith(scratch, home, *arguments, password=OLD, new=None):
    env = {"KITH_PASSWORD": password}
    if new:
        env["KITH_NEW_PASSWORD"] = new
    return run(KITH, "--home", str(scratch / home), *arguments, env=env)


def operator_and_person(scratch):
    with Server(scratch, "--accounts") as server:
        where = ["--url", server.url, "--handle"]
        for handle in ("ann", "bob", "cleo"):
            expect(kith(scratch, handle, "register", *where, handle)[0] == 0, f"{handle} registers")
        expect(kith(scratch, "ann2", "login", *where, "ann")[0] == 0, "ann has two devices")
        expect(kith(scratch, "ann", "send", "bob", "hello")[0] == 0, "ann writes")

        # A person's own.
        status, _, told = kith(scratch, "ann", "passwd", password="not the password", new=NEW)
        expect(status != 0 and "UNAUTHENTICATED" in told, "a wrong old password changes nothing")
        status, said, told = kith(scratch, "ann", "passwd", new=NEW)
        expect(status == 0, f"ann changes the password {told}")
        expect(kith(scratch, "ann", "list")[0] == 0, "and stays signed in on this device")
        status, _, told = kith(scratch, "ann2", "list")
        expect(status != 0 and "REVOKED" in told, "but not on the other")
        expect(kith(scratch, "ann2", "login", *where, "ann")[0] != 0, "the old one is wrong now")
        expect(kith(scratch, "ann2", "login", *where, "ann", password=NEW)[0] == 0, "the new one is right")

        # The operator's, while the server runs.
        account = [KITHD, "account"]
        status, _, told = run(*account, "password", "ann", "--data", server.data, text=NEWER + "\n")
        expect(status == 0, f"the operator changes it {told}")
        expect(kith(scratch, "ann", "list")[0] != 0, "everything of before is signed out")
        expect(kith(scratch, "ann", "login", *where, "ann", password=NEWER)[0] == 0, "ann comes back")
        expect(run(*account, "password", "ann", "--data", server.data, text="short\n")[0] == 1, "too short")
        status, _, told = run(*account, "password", "nobody", "--data", server.data, text=NEW + "\n")
        expect(status == 1 and told == "kithd account: NOT_FOUND: there is no such user", f"nobody: {told}")
        expect(run(*account, "delete", "cleo", "--data", server.data)[0] == 2, "not without --yes")
        expect(run(*account, "delete", "cleo", "--data", server.data, "--yes")[0] == 0, "cleo is deleted")
        expect(run(*account, "delete", "cleo", "--data", server.data, "--yes")[0] == 0, "again")
        status, _, told = kith(scratch, "cleo", "list")
        expect(status != 0 and "REVOKED" in told, "and signs in no more")
        status, _, told = kith(scratch, "other", "register", *where, "cleo")
        expect(status != 0 and "ALREADY_EXISTS" in told, "nor does anybody else by that name")
        expect((os.stat(server.data + "/control").st_mode & 0o077) == 0, "the control socket is the owner's")

    # Without a server.
    status, _, told = run(*account, "password", "ann", "--data", server.data, text=NEW + "\n")
    expect(status == 0, f"the operator changes it {told}")
    expect(run(*account, "delete", "bob", "--data", server.data, "--yes")[0] == 0, "bob is deleted")
    status, _, told = run(*account, "delete", "bob", "--data", str(scratch / "nowhere"), "--yes")
    expect(status == 1 and not (scratch / "nowhere").exists(), "no directory is made")
    with Server(scratch, "--accounts") as server:
        where = ["--url", server.url, "--handle"]
        expect(kith(scratch, "ann3", "login", *where, "ann", password=NEWER)[0] != 0, "the earlier one is wrong")
        expect(kith(scratch, "ann3", "login", *where, "ann", password=NEW)[0] == 0, "the last one is right")
        expect(kith(scratch, "bob2", "login", *where, "bob")[0] != 0, "bob is gone")
        status, said, _ = kith(scratch, "ann3", "history", "bob", password=NEW)
        status, _, told = kith(scratch, "ann3", "delete-account", "--yes", password="not the password")
        expect(status != 0 and "UNAUTHENTICATED" in told, "ann needs her password to end her account")
        status, _, told = kith(scratch, "ann3", "delete-account", "--yes", password=NEW)
        expect(status == 0, f"ann ends her account {told}")
        expect(kith(scratch, "ann4", "login", *where, "ann", password=NEW)[0] != 0, "and signs in no more")


def hosts_tokens(scratch):
    secret = scratch / "secret"
    secret.write_text("a secret of 32 bytes, or of more than that\n")
    secret.chmod(0o600)
    flags = ["--token-secret-file", str(secret), "--token-audience", "kith", "--token-issuer", "tests"]
    make = [KITHD, "token", "--token-secret-file", str(secret), "--audience", "kith", "--issuer", "tests", "--handle"]
    expect(run(*make, "dora", "--expires", "yesterday")[0] == 2, "a time that is none")
    expect(run(KITHD, "token", "--handle", "dora")[0] == 2, "a token needs a secret")
    with Server(scratch, *flags) as server:
        status, token, told = run(*make, "dora", "--name", "Dora", "--expires", "1h")
        expect(status == 0 and token.count(".") == 2, f"kithd token makes one {told}")
        file = scratch / "token"
        file.write_text(token + "\n")
        login = ["login", "--url", server.url, "--handle", "dora", "--token-file", str(file)]
        status, _, told = kith(scratch, "dora", *login)
        expect(status == 0, f"kith login --token-file {told}")
        expect(kith(scratch, "dora", "list")[0] == 0, "it is signed in")
        file.write_text(expired("dora", secret.read_text().strip()))
        status, _, told = kith(scratch, "dora", "list")
        expect(status != 0 and "TOKEN_EXPIRED" in told, f"the file is read at each start: {told}")
        file.write_text(run(*make, "dora")[1])
        expect(kith(scratch, "dora", "list")[0] == 0, "also with a newer token")
        file.rename(scratch / "away")
        status, _, told = kith(scratch, "dora", "list")
        expect(status == 0 and "Working offline" in told, f"a file that is away is no reason to sign out: {told}")
        other = run(*make[:4], "--audience", "another", "--issuer", "tests", "--handle", "dora")[1]
        file.write_text(other)
        expect(kith(scratch, "dora3", *login)[0] != 0, "a token for another audience is none")
        limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
        expect(re.search(r"Max core file size +0 +0", limits), "kithd leaves no core file")

    cases = ((0o644, 0o755, False), (0o640, 0o755, False), (0o600, 0o755, True), (0o644, 0o700, True))
    for mode, directory, right in cases:
        place = scratch / f"place{mode:o}{directory:o}"
        place.mkdir()
        scratch.chmod(directory)
        place.chmod(directory)
        readable = place / "secret"
        readable.write_text(secret.read_text())
        readable.chmod(mode)
        status, _, told = run(KITHD, "token", "--token-secret-file", str(readable), "--handle", "dora")
        expect((status == 0) == right, f"a secret of mode {mode:o} in a directory of mode {directory:o}: {told}")
        if not right:
            expect("chmod 600" in told, "and what to do about it")
            status, _, told = run(*Server(scratch, "--token-secret-file", str(readable)).command)
            expect(status != 0 and "chmod 600" in told, f"kithd says so too: {told}")
    scratch.chmod(0o700)


def rotation(scratch):
    """The server's own secret changes, and nobody is signed out."""
    with Server(scratch, "--accounts") as server:
        expect(kith(scratch, "eve", "register", "--url", server.url, "--handle", "eve")[0] == 0, "eve registers")
        port = server.url.rsplit(":", 1)[1].split("/")[0]
    data = pathlib.Path(server.data)
    (data / "secret").rename(data / "secret.previous")
    with Server(scratch, "--accounts", port=port) as server:
        expect(kith(scratch, "eve", "list")[0] == 0, "the earlier secret still verifies")
    (data / "secret.previous").unlink()
    with Server(scratch, "--accounts", port=port):
        status, _, told = kith(scratch, "eve", "list")
        expect(status != 0 and "UNAUTHENTICATED" in told, "until it is gone")
    (data / "secret").chmod(0o644)
    data.chmod(0o755)
    scratch.chmod(0o755)
    status, _, told = run(*server.command)
    expect(status != 0 and "chmod 600" in told, f"a kept secret that others can read is refused: {told}")


def rotation_while_it_runs(scratch):
    """SIGHUP takes over secrets, the host's and the server's own, or leaves everything as it was."""
    secrets = {name: f"the secret that is called {name}, of 32 bytes" for name in ("old", "new")}
    tokens = {}
    for name, secret in secrets.items():
        file = scratch / name
        file.write_text(secret + "\n")
        file.chmod(0o600)
        tokens[name] = run(KITHD, "token", "--token-secret-file", str(file), "--handle", "fay")[1]
    current, earlier, config, token = (scratch / name for name in ("current", "earlier", "k.conf", "token"))
    for file in (current, earlier):
        file.touch(mode=0o600)
    current.write_text(secrets["old"])
    config.write_text(f"accounts = yes\ntoken-secret-file = {current}\n")
    with Server(scratch, "--config", str(config)) as server:
        def comes_in(name):
            token.write_text(tokens[name])
            status, _, told = kith(scratch, "fay" + name, "login", "--url", server.url, "--handle", "fay",
                                   "--token-file", str(token))
            expect(status == 0 or "UNAUTHENTICATED" in told, f"an answer to the {name} token {told}")
            return status == 0
        expect(comes_in("old") and not comes_in("new"), "the server knows the old secret alone")
        current.write_text(secrets["new"])
        expect(not comes_in("new"), "and reads no file before it is asked to")
        earlier.write_text(secrets["old"])
        config.write_text(config.read_text() + f"token-previous-secret-file = {earlier}\n")
        told = server.reload()
        expect("token-secret-file" in told and "token-previous-secret-file" in told, "the log says what was read")
        expect(comes_in("new") and comes_in("old"), "after SIGHUP tokens of both secrets are good")
        config.write_text(config.read_text().replace("token-previous", "#"))
        server.reload()
        expect(comes_in("new") and not comes_in("old"), "tokens of a secret that is gone are refused")
        for wrong, mode, why in (("short", 0o600, "32 bytes"), (secrets["old"], 0o644, "chmod 600")):
            scratch.chmod(0o755)
            current.write_text(wrong)
            current.chmod(mode)
            expect(why in server.reload("reload_failed"), f"a bad file is refused: {why}")
            expect(comes_in("new") and not comes_in("old"), "and the earlier value stays")
        scratch.chmod(0o700)
        current.chmod(0o600)
        current.write_text(secrets["new"])

        expect(kith(scratch, "gil", "register", "--url", server.url, "--handle", "gil")[0] == 0, "gil registers")
        data = pathlib.Path(server.data)
        (data / "secret").rename(data / "secret.previous")
        server.reload()
        expect(kith(scratch, "gil", "list")[0] == 0, "the earlier secret of the server's own still verifies")
        expect((data / "secret").exists(), "beside a new one")
        (data / "secret.previous").unlink()
        server.reload()
        status, _, told = kith(scratch, "gil", "list")
        expect(status != 0 and "UNAUTHENTICATED" in told, "until it is gone")


resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
for part in (operator_and_person, hosts_tokens, rotation, rotation_while_it_runs):
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o700)
        print(part.__name__, flush=True)
        part(pathlib.Path(scratch))
