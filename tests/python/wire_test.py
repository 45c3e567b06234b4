"""The WebSocket of kithd as proxies, old libraries and attackers speak it, over plain sockets.

usage: wire_test.py KITHD
"""
import socket
import ssl
import struct
import sys
import time

import raw
from kithd import sanitized
from raw import Kithd, Socket, check, frame

KITHD = sys.argv[1]
PING = b"\x08\x01\x1a\x02\x08\x05"  # ClientFrame { req_id: 1, ping { t: 5 } }

def requests(server):
    port = server.port
    for what, status, how in [
            ("plain", "101", {}),
            ("two subprotocols", "101", {"Sec_WebSocket_Protocol": "chat, kith.v1"}),
            ("keep-alive, Upgrade", "101", {"Connection": "keep-alive, Upgrade"}),
            ("a query", "101", {"path": "/v1/ws?token=x"}),
            ("3 KiB of cookies", "101", {"Cookie": "c" * 3000}),
            ("5 KiB of cookies", "101", {"Cookie": "c" * 5000}),
            ("deflate", "101", {"Sec_WebSocket_Extensions": "permessage-deflate"}),
            ("9 KiB of cookies", "431", {"Cookie": "c" * 9000}),
            ("100 KiB of cookies", "431", {"Cookie": "c" * 100_000}),
            ("200 headers", "431", {"extra": "".join(f"X-H{i}: y\r\n" for i in range(200))}),
            ("another path", "404", {"path": "/"}),
            ("dots", "404", {"path": "/../../etc/passwd"}),
            ("no upgrade", "426", {"drop": ("Upgrade", "Connection")}),
            ("version 8", "426", {"Sec_WebSocket_Version": "8"}),
            ("no key", "400", {"drop": ("Sec-WebSocket-Key",)}),
            ("no Host", "400", {"drop": ("Host",)}),
            ("POST", "405", {"method": "POST"}),
            ("HTTP/1.0", "505", {"version": "HTTP/1.0"}),
            ("bare line feeds", "400", {"end": "\n"}),
            ("a body", "400", {"Content_Length": "3"}),
            ("another subprotocol", "400", {"Sec_WebSocket_Protocol": "chat"})]:
        one = Socket(port, **how)
        got = one.status()
        check(got == status, f"{what}: {got} instead of {status}")
        check(status == "101" or one.ended(), f"{what}: the connection stays open")
        one.shut()
    one = Socket(port).opened()
    check(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in one.head, "not the answer of RFC 6455's example")
    check(b"Sec-WebSocket-Protocol: kith.v1" in one.head, "the subprotocol is not named")
    one = Socket(port, behind=frame(2, PING)).opened()
    check(one.read()[0] == 2, "a frame in the same segment as the request is answered")
    health = Socket(port, path="/health", drop=("Upgrade", "Connection"))
    check(health.status() == "200" and health.ended(), "/health is answered, then closed")


def frames(server):
    def code(*parts):
        return Socket(server.port).opened().send(*parts).close_code()
    check(Socket(server.port).opened().send(frame(2, PING)).read()[0] == 2, "a Ping frame is answered")
    for what, want, parts in [
            ("unmasked", 1002, [frame(2, PING, mask=False)]),
            ("an unmasked ping", 1002, [frame(9, b"x", mask=False)]),
            ("rsv1", 1002, [frame(2, PING, rsv=4)]),
            ("opcode 3", 1002, [frame(3, PING)]),
            ("opcode 11", 1002, [frame(11)]),
            ("text", 1003, [frame(1, b"hello")]),
            ("a continuation of nothing", 1002, [frame(0, PING)]),
            ("two beginnings", 1002, [frame(2, b"x", fin=False), frame(2, PING)]),
            ("a ping of 126", 1002, [frame(9, b"y" * 126)]),
            ("a ping in pieces", 1002, [frame(9, b"y", fin=False)]),
            ("a long length for few bytes", 1002, [bytes([0x82, 0xfe, 0, 5]) + bytes(9)]),
            ("2^63 bytes", 1002, [frame(2, length=2**63)]),
            ("2^62 bytes", 1009, [frame(2, length=2**62)]),
            ("65537 bytes", 1009, [frame(2, bytes(65537))]),
            ("half a code", 1002, [frame(8, b"\x03")]),
            ("code 1005", 1002, [frame(8, struct.pack(">H", 1005))]),
            ("code 999", 1002, [frame(8, struct.pack(">H", 999))]),
            ("a reason that is no text", 1007, [frame(8, struct.pack(">H", 1000) + b"\xff\xfe")]),
            ("an honest close", 1000, [frame(8, struct.pack(">H", 1000) + b"bye")]),
            ("an empty close", 1000, [frame(8)]),
            ("1,000 pings at once", 1008, [frame(9, b"p") * 1000]),
            ("1,000 pongs at once", 1008, [frame(10) * 1000]),
            ("1,000 empty fragments", 1008, [frame(2, b"x", fin=False), frame(0, fin=False) * 1000])]:
        got = code(*parts)
        check(got == want, f"{what}: {got} instead of {want}")
    calm = Socket(server.port).opened()
    for _ in range(50):
        check(calm.send(frame(9, b"calm")).read() == (10, b"calm"), "a ping is answered by its pong")
    check(calm.send(frame(10, b"unasked"), frame(2, PING)).read()[0] == 2, "an unasked pong is nothing")


def silent_reader(server):
    """A client that asks and does not read: the server stops reading, and goes on by itself when it reads again."""
    slow = Socket(server.port).opened()
    slow.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = server.rss()
    slow.s.settimeout(0.5)
    try:
        for _ in range(200):
            slow.s.sendall(frame(9, b"p" * 125) * 100)
            slow.s.sendall(frame(2, PING) * 100)
    except OSError:
        pass
    check(sanitized(KITHD) or server.rss() - before < 32 << 20,
          f"a reader that stands costs {(server.rss() - before) >> 20} MiB")
    slow.shut()


def silent_sockets():
    """More silent sockets than there are descriptors: others still come in."""
    with Kithd(KITHD, limit=300) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port), timeout=2) for _ in range(400)]
        half = [Socket(server.port, upgrade=False).send(b"GET /v1/ws HTTP/1.1\r\n") for _ in range(200)]
        begin = time.monotonic()
        for _ in range(5):
            one = Socket(server.port).opened()
            check(one.send(frame(2, PING)).read()[0] == 2, "a client beside silent sockets is served")
        check(time.monotonic() - begin < 5, "silent sockets hold others up")
        busy = server.cpu_s()
        one.shut()
        check(server.cpu_s() - busy < 1, "silent sockets keep the loop busy")
        for each in silent:
            each.close()
        for each in half:
            each.shut()


def half_handshakes():
    """Unfinished TLS handshakes of the client's own address: bounded in memory, and others come in beside them."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = out.read()
    with Kithd(KITHD, tls=True) as server:
        Socket(server.port, tls=True).opened().shut()
        before = server.rss()
        half = [Socket(server.port, upgrade=False).send(hello) for _ in range(1_000)]
        begin = time.monotonic()
        for _ in range(3):
            one = Socket(server.port, tls=True).opened()
            check(one.send(frame(2, PING)).read()[0] == 2, "a client beside half handshakes is served")
        check(time.monotonic() - begin < 10, f"half handshakes hold others up: {time.monotonic() - begin:.1f} s")
        check(sanitized(KITHD) or server.rss() - before < 32 << 20,
              f"half handshakes cost {(server.rss() - before) >> 20} MiB")
        for each in half:
            each.shut()


def slow_arrivals(server):
    """A client that does not finish its request is cut, also when bytes dribble in."""
    waiting = {"nothing": Socket(server.port, upgrade=False), "half a head": Socket(server.port, upgrade=False),
               "dribbling": Socket(server.port, upgrade=False)}
    waiting["half a head"].send(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n")
    begin = time.monotonic()
    ended = {}
    for one in waiting.values():
        one.s.settimeout(0.25)
    while len(ended) < len(waiting) and time.monotonic() - begin < 30:
        for name, one in waiting.items():
            if name in ended:
                continue
            if name == "dribbling":
                one.send(b"GET /v1/ws HTTP/1.1\r\n" if not one.buffer else b"X-A: b\r\n")
                one.buffer = b"begun"
            try:
                if not one.s.recv(100):
                    ended[name] = time.monotonic() - begin
            except socket.timeout:
                pass
            except ConnectionResetError:
                ended[name] = time.monotonic() - begin
    for name in waiting:
        check(ended.get(name, 99) < 15, f"{name}: cut after {ended.get(name)} s")


def main():
    with Kithd(KITHD) as server:
        requests(server)
        frames(server)
        silent_reader(server)
        slow_arrivals(server)
    with Kithd(KITHD, "--shards", "3") as server:
        frames(server)
        silent_reader(server)
    silent_sockets()
    half_handshakes()
    print(f"ok: {raw.checks} checks")


main()
