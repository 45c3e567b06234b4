#!/usr/bin/env python3
"""examples_test.py KITHD HELLO_CLIENT EMBED_SERVER: runs the examples as their reader would."""

import atexit
import pathlib
import subprocess
import sys
import tempfile

KITHD, HELLO, EMBED = sys.argv[1:]


class Program:
    """A program whose lines are read until one begins as expected; the test's time-out bounds the wait."""

    def __init__(self, cwd, *command):
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # also when the test fails

    def line(self, begin):
        for line in self.process.stdout:
            print(f"  {line}", end="", flush=True)
            if line.startswith(begin):
                return line.removeprefix(begin).strip()
        sys.exit(f"{self.process.args[0]} ended without saying: {begin}")

    def enter(self):
        self.process.communicate("\n", timeout=30)
        return self.process.returncode


with tempfile.TemporaryDirectory() as scratch:
    server = Program(scratch, KITHD, "--dev", "--port", "0", "--data", "data")
    url = server.line("listening on ").replace("127.0.0.1", "localhost")
    ca = str(pathlib.Path(scratch, "data", "dev_ca.pem"))

    def hello(name, peer):
        return Program(scratch, HELLO, url, name, f"password of {name}", peer, ca)

    ben = hello("ben", "ann")
    ben.line("failed: Hello!")  # there is no ann yet
    assert ben.enter() == 0
    ann = hello("ann", "ben")
    ann.line("sent: Hello!")
    ben = hello("ben", "ann")
    ben.line("ann: Hello!")
    ann.line("ben: Hello!")
    assert [ann.enter(), ben.enter()] == [0, 0]
    server.process.terminate()
    assert server.process.wait(30) == 0
    print("hello_client: ok")

    embedded = Program(scratch, EMBED)
    assert embedded.line("listening on ").startswith("ws://127.0.0.1:")
    assert embedded.line("alice's token: ").count(".") == 2
    assert embedded.enter() == 0
    print("embed_server: ok")
