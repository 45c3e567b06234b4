"""kithd behind nginx and HAProxy counts by the person's address if the proxy is trusted, never by their own word.

usage: proxy_test.py KITHD NGINX HAPROXY
"""
import glob
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import raw
from raw import Kithd, Socket, check, frame

KITHD, NGINX, HAPROXY = sys.argv[1:4]
PERSON = "127.0.0.9"  # Linux has all of 127.0.0.0/8: the proxies see the person here, kithd sees them at 127.0.0.1
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """A proxy in front of `server`, from the text of its configuration."""

    def __init__(self, kind, text, server):
        self.folder = tempfile.TemporaryDirectory(prefix="kith-proxy-")
        self.port = free_port()
        text = text.replace("FRONT", f"127.0.0.1:{self.port}").replace("BACK", f"127.0.0.1:{server.port}")
        path = f"{self.folder.name}/proxy.conf"
        if kind == "nginx":
            modules = "".join(f"load_module {m};\n" for m in glob.glob("/usr/lib/nginx/modules/ngx_stream_module.so"))
            places = "".join(f"{p}_temp_path {self.folder.name}/{p};" for p in
                             ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            text = modules + f"daemon off; master_process off; pid {self.folder.name}/pid; error_log stderr;\n" + \
                "events {}\n" + text.replace("http {", "http { access_log off; " + places)
            command = [NGINX, "-c", path, "-e", "stderr"]
        else:
            text = "defaults\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n" + text
            command = [HAPROXY, "-db", "-f", path]
        with open(path, "w") as out:
            out.write(text)
        self.log = open(f"{self.folder.name}/log", "w+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
        raise RuntimeError(f"{kind} does not start: {open(self.log.name).read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        self.folder.cleanup()


def counted_address(server, connection):
    """The address that kithd names when a connection breaks the protocol."""
    connection.opened().send(frame(2, b"\xff\xff\xff")).close_code()
    connection.shut()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = re.search(r"refused_protocol.*address=\"?([0-9a-f.:]+)", server.log())
        if found:
            return found.group(1)
        time.sleep(0.1)
    raise AssertionError(f"nothing is said of a broken protocol: {server.log()}")


def behind(kind, text, *flags, tls=False):
    with Kithd(KITHD, "--trusted-proxies", "127.0.0.1", *flags, tls=tls) as server, Proxy(kind, text, server) as proxy:
        got = counted_address(server, Socket(proxy.port, source=PERSON, tls=tls))
        check(got == PERSON, f"{kind}: {got} is counted\n{text}")
        # The person's own word is behind the proxy's.
        liar = Socket(proxy.port, source=PERSON, tls=tls, X_Forwarded_For="6.6.6.6").opened()
        liar.shut()


def by_nginx():
    behind("nginx", """http { server { listen FRONT; location /v1/ws { proxy_pass http://BACK; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }""")
    stream = "stream { server { listen FRONT; proxy_pass BACK; proxy_protocol on; } }"
    behind("nginx", stream, "--proxy-protocol", tls=True)


def by_haproxy():
    behind("haproxy", """frontend f
  mode http
  bind FRONT
  option forwardfor
  default_backend b
backend b
  mode http
  server one BACK
""")
    for send in ("send-proxy", "send-proxy-v2"):
        for tls in (False, True):
            text = f"listen f\n  mode tcp\n  bind FRONT\n  server one BACK {send}\n"
            behind("haproxy", text, "--proxy-protocol", tls=tls)


def until_logged(server, event):
    deadline = time.monotonic() + 20
    while f" {event} " not in server.log():
        check(time.monotonic() < deadline, f"no {event}: {server.log()}")
        time.sleep(0.02)


def named_while_it_runs():
    """Trusted proxies are read again at SIGHUP; a range that is none leaves them as they were."""
    with tempfile.NamedTemporaryFile("w+", suffix=".conf") as config:
        def trust(server, proxies, event):
            config.seek(0)
            config.truncate()
            config.write(f"trusted-proxies = {proxies}\n")
            config.flush()
            server.process.send_signal(signal.SIGHUP)
            until_logged(server, event)
        for shards in ("1", "2"):
            config.truncate(0)
            with Kithd(KITHD, "--config", config.name, "--shards", shards) as server:
                trust(server, "127.0.0.1", "reloaded")
                trust(server, "127.0.0.0/99", "reload_failed")
                check("127.0.0.0/99" in server.log(), "the log does not name the range at fault")
                got = counted_address(server, Socket(server.port, source="127.0.0.1", X_Forwarded_For=PERSON))
                check(got == PERSON, f"the word of a proxy that SIGHUP has named is not taken: {got}")


def by_nobody():
    header = b"PROXY TCP4 6.6.6.6 127.0.0.1 1 2\r\n"
    with Kithd(KITHD) as server:
        check(Socket(server.port, before=header).status() == "400", "a PROXY header of a stranger is refused")
        got = counted_address(server, Socket(server.port, source=PERSON, X_Forwarded_For="6.6.6.6"))
        check(got == PERSON, f"a stranger's X-Forwarded-For counts: {got}")
    with Kithd(KITHD, "--trusted-proxies", "10.0.0.0/8,::1", "--proxy-protocol") as server:
        check(Socket(server.port, before=header).status() == "400", "a PROXY header of an untrusted peer is refused")
        check(Socket(server.port).status() == "101", "an untrusted peer needs no header")
    with Kithd(KITHD, "--trusted-proxies", "127.0.0.1", "--proxy-protocol") as server:
        check(Socket(server.port).status() == "closed", "a trusted proxy without a header is served")
        check(Socket(server.port, before=b"PROXY nonsense\r\n").status() == "closed", "nonsense is a header")
        slow = Socket(server.port, upgrade=False)
        for byte in header + V2:
            slow.send(bytes([byte]))
        check(slow.status() == "400", "what follows a header is the client's")
        pieces = V2 + b"\x21\x11\x00\x0c" + socket.inet_aton("9.8.7.6") + socket.inet_aton("127.0.0.1") + \
            struct.pack(">HH", 1, 2)
        got = counted_address(server, Socket(server.port, before=pieces))
        check(got == "9.8.7.6", f"{got} is counted")
    with tempfile.TemporaryDirectory() as folder:
        bad = subprocess.run([KITHD, "--dev", "--data", folder, "--trusted-proxies", "10.0.0.0/99"],
                             capture_output=True, text=True, timeout=20)
    check(bad.returncode != 0 and "10.0.0.0/99" in bad.stderr, f"a range that is none: {bad}")


by_nobody()
named_while_it_runs()
by_nginx()
by_haproxy()
print(f"ok: {raw.checks} checks")
