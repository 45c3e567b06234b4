"""The listener for those who run the server answers, whatever comes to it.

usage: admin_port.py KITHD PROTO_DIR PROTOC
"""
import os
import re
import socket
import sys
import time

import kith_wire as k

KITHD = sys.argv[1]
failed = []


def check(ok, what, seen=b""):
    if not ok:
        failed.append(what)
        print(f"  WRONG: {what}: {seen[:200]}", flush=True)


def say(port, data, wait=10.0):
    """Returns the listener's answer until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(wait)
        answer = b""
        try:
            peer.sendall(data)
            while piece := peer.recv(65536):
                answer += piece
        except OSError as error:
            answer += f"<{error}>".encode()
        return answer


def get(path, method="GET", more=""):
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def main():
    port = free_port()
    server = k.Server(KITHD, "--plain", "--accounts", "--admin-port", str(port))
    for path, status in {"/health": 200, "/ready": 200, "/metrics": 200, "/": 404, "/metrics?x=1": 200,
                         "/../../etc/passwd": 404, "/%0d%0aX-Evil:1": 404}.items():
        answer = say(port, get(path))
        check(answer.startswith(b"HTTP/1.1 %d " % status), path, answer)
        check(b"Evil" not in answer, f"{path} is not repeated", answer)
    whole, head = say(port, get("/metrics")), say(port, get("/metrics", "HEAD"))
    check(head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n"), "HEAD has no body", head)
    check(len(whole.split(b"\r\n\r\n", 1)[1]) == int(re.search(rb"Content-Length: (\d+)", whole)[1]), "its length")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"):
        answer = say(port, get("/metrics", method))
        check(answer.startswith(b"HTTP/1.1 405 ") and b"Allow: GET, HEAD" in answer, method, answer)
    for what, data, status in (("a large head", get("/health", more="X: " + "a" * 100_000 + "\r\n"), 431),
                               ("a long path", get("/" + "a" * 50_000), 431),
                               ("a body", get("/health", "POST", "Content-Length: 5\r\n") + b"abcde", 400),
                               ("noise", b"\xff" + os.urandom(3000), 400), ("TLS", b"\x16\x03\x01\x02\x00\x01", 400)):
        answer = say(port, data)
        check(answer.startswith(b"HTTP/1.1 %d " % status), what, answer)
    silent = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(100)]
    for peer in silent:
        peer.sendall(b"GET /hea")
    begun = time.monotonic()
    answer = say(port, get("/health"))
    check(answer.startswith(b"HTTP/1.1 200 ") and time.monotonic() - begun < 5, "beside 100 silent connections", answer)
    for peer in silent:
        peer.settimeout(30)
        try:
            check(peer.recv(100) == b"", "a silent connection is closed")
        except ConnectionResetError:
            pass
    check(time.monotonic() - begun < 25, "within its time")
    check(server.end() == 0, "kithd ends well")


if __name__ == "__main__":
    try:
        main()
    finally:
        k.clean_up()
    print(f"admin_port: {len(failed)} wrong")
    sys.exit(1 if failed else 0)
