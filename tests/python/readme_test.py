"""README's ten-minute path, line by line: each command works, with the programs of this build.

usage: readme_test.py README BIN_DIR

Only what cannot be so in a test is changed: the build commands are not run again, the programs are those of BIN_DIR,
the server takes a free port, and the full screen gets a terminal of its own that sees it and quits.
"""
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import tempfile
import time

README, BIN_DIR = sys.argv[1], os.path.abspath(sys.argv[2])
PATIENCE_S = 60  # a bound for a hung test, never a measure
PROGRAM = re.compile(r"build/app/bin/(\S+)")


def commands(text):
    """The lines of the code block below the heading "Ten minutes", without their comments."""
    block = re.search(r"^## Ten minutes\n+```\n(.*?)^```$", text, re.M | re.S)
    assert block, "README has no code block below '## Ten minutes'"
    return [re.sub(r"\s+#.*", "", line) for line in block[1].splitlines() if line.strip()]


def full_screen(command, work, env):
    """Runs `command` in a terminal, waits until it has drawn something, types /quit, and answers its exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(command[0], command, {**env, "TERM": "xterm", "LINES": "24", "COLUMNS": "80"})
    drawn, until = b"", time.monotonic() + PATIENCE_S
    typed = False
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            drawn += os.read(terminal, 65536)
        except OSError:  # the program has closed the terminal
            break
        if b"/to WHO" in drawn and not typed:
            os.write(terminal, b"/quit\r")
            typed = True
    assert typed, f"the full screen does not tell its commands: {drawn!r}"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(lines, work):
    env = {**os.environ, "KITH_PASSWORD": "correct horse battery"}
    server, address, ran = None, None, []
    sent, people = [], set()
    try:
        for line in lines:
            if not PROGRAM.match(line):
                assert line.startswith("tools/setup"), f"README tells to run what this test does not know: {line}"
                continue
            program = PROGRAM.match(line)[1]
            words = shlex.split(line)
            words[0] = f"{BIN_DIR}/{program}"
            if program == "kithd":
                server = subprocess.Popen([*words, "--port", "0"], cwd=work, stdout=subprocess.PIPE, text=True)
                said = re.search(r"listening on wss://[^:]+(:\d+)", server.stdout.readline())
                assert said, "kithd does not say where it listens"
                address = said[1]
            else:
                assert server, f"README uses the server before it runs: {line}"
                words = [re.sub(r":8443\b", address, word) for word in words]
                alone = all(word.startswith("--") for word in words[1::2])  # options with values, no verb
                if alone:
                    status, said = full_screen(words, work, env), ""
                else:
                    done = subprocess.run(words, cwd=work, env=env, timeout=PATIENCE_S, check=False,
                                          stdout=subprocess.PIPE, text=True)
                    status, said = done.returncode, done.stdout
                assert status == 0, f"exit status {status}: {line}"
                if words[1] == "register":
                    people.add(words[words.index("--handle") + 1])
                elif words[1] == "send":
                    sent.append(words[-1])
                elif words[1] == "history":
                    assert sent and all(text in said for text in sent), f"not all of {sent} in {said!r}"
            ran.append(program)
            print(f"ok: {line}", flush=True)
    finally:
        if server:
            server.terminate()
            assert server.wait(PATIENCE_S) == 0, "kithd did not end well"
    assert "kithd" in ran and len(people) >= 2 and len(sent) >= 2, f"README's path is too short: {ran}"


with open(README, encoding="utf-8") as file:
    path = commands(file.read())
with tempfile.TemporaryDirectory(prefix="kith-readme-") as place:
    run(path, place)
