"""kithd as a child of a test: started on a free port of the loopback, read, signalled and ended."""
import atexit
import os
import re
import signal
import subprocess
import time

DEADLINE = 30


def sanitized(program):
    """Whether it was built with a sanitizer, which has memory of its own and wants to be loaded first."""
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return "libasan" in libraries or "libtsan" in libraries


class Kithd:
    """Its output and log go to files beside its data, so that no reader is needed while it runs."""

    def __init__(self, program, *flags, data, port=0, wrap=(), **popen):
        """`wrap`: the beginning of the command line. kithd is not awaited: see ready()."""
        self.data, self.port, self.out_file, self.log_file = data, port, f"{data}.out", f"{data}.log"
        self.program, self.flags, self.wrap, self.popen = program, flags, wrap, popen
        self.start()

    def start(self):
        """Again, after it has ended: on the same data and port."""
        command = [*self.wrap, self.program, "--data", self.data, "--port", str(self.port), *self.flags]
        with open(self.out_file, "wb") as out, open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, **self.popen)
        atexit.register(self.process.kill)  # also when the test fails
        return self

    def ready(self):
        """Waits until it listens, which it prints and logs; `url` and `port` say where."""
        end = time.monotonic() + DEADLINE
        while True:
            found = re.search(r"listening on (wss?://\S+:(\d+)/v1/ws)", self.printed()) or \
                re.search(r"\bready\b.*(wss?://[^ \"]*:(\d+)/v1/ws)", self.log())
            if found:
                self.url, self.port = found.group(1), int(found.group(2))
                return self
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"kithd did not start: {self.log()[-2000:]}")
            time.sleep(0.01)

    def printed(self):
        with open(self.out_file, errors="replace") as out:
            return out.read()

    def log(self):
        with open(self.log_file, errors="replace") as log:
            return log.read()

    def end(self, by=signal.SIGTERM):
        """Its status."""
        self.process.send_signal(by)
        return self.process.wait(DEADLINE)

    def rss(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
