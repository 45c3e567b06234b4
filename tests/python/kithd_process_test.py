"""kithd as a process: its surroundings, signals, refused starts, log, health and metrics, reload, backup.

usage: kithd_process_test.py KITHD
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import kithd
from kithd import DEADLINE, sanitized

KITHD = sys.argv[1]
WORK = tempfile.mkdtemp(prefix="kith-process-")
checks = 0


def check(ok, what):
    global checks
    if not ok:
        raise AssertionError(what)
    checks += 1
    print(f"  ok: {what}", flush=True)


def until(condition, what):
    end = time.time() + DEADLINE
    while not condition():
        if time.time() > end:
            raise AssertionError(f"not within {DEADLINE} s: {what}")
        time.sleep(0.02)
    check(True, what)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=WORK)


class Kithd(kithd.Kithd):
    def __init__(self, *flags, data="data", program=KITHD, **more):
        super().__init__(program, *flags, data=f"{WORK}/{data}", **more)

    def has_logged(self, text):
        until(lambda: text in self.log(), f"the log says {text!r}")


def refused(*flags, status=2, says="", data="refused"):
    done = subprocess.run([KITHD, "--data", f"{WORK}/{data}", "--port", "0", *flags], capture_output=True, text=True,
                          timeout=DEADLINE, stdin=subprocess.DEVNULL)
    check(done.returncode == status and says in done.stderr,
          f"refused: {says!r}" if says in done.stderr else f"{done.returncode} {done.stderr!r}, not {says!r}")


def http(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def descriptors(pid):
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:  # closed meanwhile
            pass
    return found


def surroundings():
    for closed in ((0,), (1,), (2,), (0, 1, 2)):
        server = Kithd("--dev", "--plain", data="fds" + "".join(map(str, closed)),
                       preexec_fn=lambda fds=closed: [os.close(fd) for fd in fds])
        if 2 in closed:  # then no line is printed: it is ready when it has its databases
            until(lambda: "/users.db" in str(descriptors(server.process.pid)), f"it starts without {closed}")
        else:
            server.ready()
        opened = descriptors(server.process.pid)
        check(all(opened[fd] == "/dev/null" for fd in closed), f"descriptors {closed} are nobody else's")
        check(server.end() == 0, "and it ends")
    server = Kithd("--dev", "--plain", data="name", umask=0).ready()
    check(open(f"/proc/{server.process.pid}/comm").read() == "kithd\n", "the process is called kithd")
    server.end()
    modes = [os.stat(os.path.join(folder, name)).st_mode & 0o077
             for folder, _, names in os.walk(server.data) for name in names]
    check(modes and not any(modes), "files are the owner's alone, whatever the umask")
    lowered = ("import resource, os, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4000)); "
               "os.execv(sys.argv[1], sys.argv[1:])")
    server = Kithd("--dev", "--plain", data="limit", wrap=(sys.executable, "-c", lowered)).ready()
    limits = open(f"/proc/{server.process.pid}/limits").read()
    check(re.search(r"Max open files +4000 +4000", limits), "the soft limit of descriptors is raised")
    server.end()


def capabilities():
    if os.geteuid() != 0 or not shutil.which("setcap") or not shutil.which("setpriv"):
        print("  skipped: file capabilities need root, setcap and setpriv")
        return
    program = f"{WORK}/capable"
    shutil.copy(KITHD, program)
    os.chmod(WORK, 0o755)
    os.chmod(program, 0o755)
    if subprocess.run(["setcap", "cap_net_bind_service=+ep", program], capture_output=True).returncode != 0:
        print("  skipped: this file system has no capabilities")
        return
    os.mkdir(f"{WORK}/capdata")
    os.chown(f"{WORK}/capdata", 65534, 65534)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    server = Kithd("--dev", "--plain", data="capdata/d", program=program, wrap=as_nobody).ready()
    check(server.end() == 0, "with file capabilities it starts, and not for ever")


def signals():
    for by in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        server = Kithd("--dev", "--plain", data="ends").ready()
        check(server.end(by) == 0 and "stopping signal=" in server.log() and "stopped" in server.log(),
              f"{by.name} says goodbye and ends it")
    server = Kithd("--dev", "--plain", data="stays").ready()
    for by in (signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGXFSZ, signal.SIGIO,
               signal.SIGRTMIN, signal.SIGPIPE, signal.SIGTTOU, signal.SIGWINCH):
        server.process.send_signal(by)
    server.process.send_signal(signal.SIGUSR1)
    server.has_logged(" status ")
    server.process.send_signal(signal.SIGHUP)
    server.has_logged(" reloaded ")
    check(server.process.poll() is None, "no other signal ends it")
    check(server.end() == 0, "and SIGTERM still does")


def certificates():
    def pair(name, *more, days="90"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                f"{name}.key", "-out", f"{name}.pem", "-days", days, "-subj", f"/CN={name}", "-addext",
                "subjectAltName=DNS:localhost", *more)
    pair("one")
    pair("two")
    pair("soon", days="3")
    pair("client", "-addext", "extendedKeyUsage=clientAuth")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "leaf.key", "-out",
            "leaf.csr", "-subj", "/CN=leaf")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "one.pem", "-CAkey", "one.key", "-CAcreateserial", "-out",
            "leaf.pem", "-days", "30")
    openssl("ec", "-in", "one.key", "-aes128", "-passout", "pass:word", "-out", "locked.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1", "-nodes", "-keyout",
            "curve.key",
            "-out", "curve.pem", "-subj", "/CN=curve")
    files = {name: open(f"{WORK}/{name}").read() for name in os.listdir(WORK) if name.endswith((".pem", ".key"))}

    def write(name, content):
        with open(f"{WORK}/{name}", "w") as file:
            os.chmod(file.name, 0o600 if name.endswith(".key") else 0o644)
            file.write(content)
    write("chain.pem", files["leaf.pem"] + files["one.pem"])
    write("turned.pem", files["one.pem"] + files["leaf.pem"])
    write("unrelated.pem", files["leaf.pem"] + files["two.pem"])
    write("empty.pem", "")
    write("text.pem", "no certificate\n")
    write("torn.pem", files["one.pem"][:300] + "\n-----END CERTIFICATE-----\n")

    def bad(certificate, key, says):
        refused("--accounts", "--certificate", f"{WORK}/{certificate}", "--key", f"{WORK}/{key}", says=says)
    bad("one.pem", "two.key", "--key: " + f"{WORK}/two.key: the key does not belong to the certificate")
    bad("one.pem", "locked.key", "has a passphrase")
    bad("missing.pem", "one.key", "--certificate: " + f"{WORK}/missing.pem: No such file")
    bad("one.pem", "missing.key", "missing.key: No such file")
    bad("empty.pem", "one.key", "is empty")
    bad("text.pem", "one.key", "holds no certificate")
    bad("torn.pem", "one.key", "is damaged")
    bad("one.key", "one.key", "holds a key and no certificate")
    bad("one.pem", "one.pem", "holds a certificate and no key")
    bad("turned.pem", "leaf.key", "wrong order: the key belongs to certificate 2")
    bad("unrelated.pem", "leaf.key", "wrong order: certificate 2 is not the issuer of certificate 1")
    bad("client.pem", "client.key", "is not for a server")
    bad("curve.pem", "curve.key", "TLS 1.3 does not work")
    bad(".", "one.key", "is a directory")
    write("open.key", files["one.key"])
    os.chmod(f"{WORK}/open.key", 0o644)
    bad("one.pem", "open.key", f"open.key: everybody can read this secret; chmod o= {WORK}/open.key")
    refused("--accounts", "--certificate", f"{WORK}/one.pem", says="--certificate is set and key is not")
    if shutil.which("faketime") and not sanitized(KITHD):
        for when, says in (("+2y", "has expired"), ("-2y", "is valid from")):
            done = subprocess.run(["faketime", "-f", when, KITHD, "--accounts", "--certificate", f"{WORK}/one.pem",
                                   "--key", f"{WORK}/one.key", "--data", f"{WORK}/refused", "--port", "0"],
                                  capture_output=True, text=True, timeout=DEADLINE)
            check(done.returncode == 2 and says in done.stderr, f"refused: the certificate {says}")
    check(not os.path.exists(f"{WORK}/refused"), "a refused start leaves nothing behind")

    write("live.pem", files["one.pem"])
    write("live.key", files["one.key"])
    server = Kithd("--accounts", "--certificate", f"{WORK}/live.pem", "--key", f"{WORK}/live.key", data="tls").ready()

    def shown():
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            with context.wrap_socket(plain) as secure:
                return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True))
    context = ssl._create_unverified_context()
    old = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port)))
    check(shown() == files["one.pem"], "handshakes get the certificate")
    write("live.key", files["two.key"])
    server.process.send_signal(signal.SIGHUP)
    server.has_logged("reload_failed")
    check(shown() == files["one.pem"], "a reload that fails leaves everything as it was")
    write("live.pem", files["soon.pem"])
    write("live.key", files["soon.key"])
    server.process.send_signal(signal.SIGHUP)
    server.has_logged(" reloaded ")
    check(shown() == files["soon.pem"], "after SIGHUP new handshakes get the new certificate")
    server.has_logged("certificate_warning")
    old.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    check(b"200" in old.recv(100), "connections of before go on")
    server.end()


def configuration():
    def file(content):
        path = f"{WORK}/k.conf"
        with open(path, "wb") as out:
            out.write(content)
        return path
    path = file(b"\xef\xbb\xbfplain = \"yes\"\r\naccounts = yes\r\nlisten = [::1]\r\n")
    server = Kithd("--config", path, data="conf").ready()
    check("ws://[::1]:" in server.log(), "BOM, quotes, CRLF and [::1] are understood")
    server.end()
    refused("--config", file(b"accounts = yes\nplain = yes\naccounts = yes\n"),
            says=f"{path}:3: accounts is set already")
    refused("--config", file(b"acounts = yes\n"),
            says=f"{path}:1: acounts: there is no such setting; did you mean accounts?")
    refused("--config", file(b"listen = localhost\n"), says=f"{path}:1: listen is no IP address")
    refused("--config", file(f"certificate = {WORK}/one.pem\nkey = {WORK}/two.key\naccounts = yes\n".encode()),
            says=f"{path}:2: key: {WORK}/two.key: the key does not belong")
    refused("--config", file(b"plain = yes\ntoken-secret-file = /nonexistent\n"),
            says=f"{path}:2: token-secret-file: /nonexistent: cannot be read")
    refused("--config", file(b"plain = yes\naccounts = yes\ntrusted-proxies = ::1, proxy.example\n"),
            says=f"{path}:3: trusted-proxies has 'proxy.example'")
    refused("--config", f"{WORK}/none.conf", status=1, says="none.conf: cannot be read: No such file or directory")
    refused("--plain", says="nobody could sign in")
    for words in (["--help"], ["--version"], ["backup", "--help"], ["account", "--help"], ["token", "--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([KITHD, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
        check(done.returncode == 1 and "cannot be written" in done.stderr, f"lost output is a failure: {words}")
    told = subprocess.run([KITHD, "--help"], capture_output=True, text=True, timeout=DEADLINE).stdout
    check(all(f"kithd {name} " in told for name in ("backup", "account", "token")), "the help names every subcommand")


METRIC = re.compile(r"^[a-z_:][a-z0-9_:]*(\{[a-z]+=\"[^\"]*\"\})? [0-9.e+-]+$")


def operating():
    server = Kithd("--dev", "--plain", "--admin-port", "0", "--log-format", "json", data="admin").ready()
    for line in server.log().splitlines():
        fields = json.loads(line)
        check({"time", "level", "event"} <= fields.keys(), f"a line is a JSON object: {fields['event']}")
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields["time"]), "with its time in UTC")
    until(lambda: "operators ask at" in server.printed(), "it says where operators ask")
    port = int(re.search(r"operators ask at http://127.0.0.1:(\d+)", server.printed()).group(1))
    status, body = http(port, "/health")
    check(status == 200 and json.loads(body)["alive"], "/health")
    status, body = http(port, "/ready")
    check(status == 200 and json.loads(body) == {"ready": True, "reasons": [], "warnings": []}, "/ready")
    check(http(port, "/secret")[0] == 404, "nothing else is told")
    status, body = http(port, "/metrics")
    typed = {}
    for line in body.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            check(name not in typed, f"{name} has one type")
            typed[name] = kind
        elif not line.startswith("# HELP "):
            check(METRIC.match(line), line)
            name = re.match(r"[a-z0-9_:]+", line).group(0)
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            check(name in typed or typed.get(base) == "histogram", f"{name} has a type")
            check(typed.get(name) != "counter" or name.endswith("_total"), f"{name} is named by its kind")
    wanted = {"kith_sessions", "kith_sent_seconds", "kith_journal_commit_seconds"}
    check(wanted <= typed.keys(), "/metrics has what it should")
    check(server.end() == 0, "it ends")


def systemd():
    path = f"{WORK}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(DEADLINE)
        server = Kithd("--dev", "--plain", data="systemd",
                       env={**os.environ, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
        check(listener.recv(200) == b"READY=1", "systemd is told READY")
        check(listener.recv(200) == b"WATCHDOG=1", "and that it lives")
        server.process.send_signal(signal.SIGHUP)
        told = [listener.recv(200)]
        while told[-1] != b"READY=1":
            told.append(listener.recv(200))
        check(any(t.startswith(b"RELOADING=1\nMONOTONIC_USEC=") for t in told), "RELOADING, then READY again")
        server.process.send_signal(signal.SIGTERM)
        while told[-1] != b"STOPPING=1":
            told.append(listener.recv(200))
        check(server.process.wait(DEADLINE) == 0, "STOPPING")


try:
    for part in (surroundings, capabilities, signals, certificates, configuration, operating, systemd):
        print(part.__name__)
        part()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
print(f"{checks} checks passed")
