"""A small blocking client made from docs/protocol.md, for programs that attack a kithd of their own on the loopback.

It can come from any loopback address, so that attackers and honest people have addresses of their own.
"""
import base64
import hashlib
import os
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "python"))
from kithd import Kithd  # noqa: E402

WORK = tempfile.mkdtemp(prefix="kith-security-")
PASSWORD = "correct horse battery"


def load_schema(proto_dir, protoc):
    """Makes the schema's Python modules and gives frame_pb2, session_pb2, … as one namespace."""
    os.makedirs(f"{WORK}/gen", exist_ok=True)
    protos = [f"{proto_dir}/kith/v1/{f}" for f in os.listdir(f"{proto_dir}/kith/v1")]
    subprocess.run([protoc, f"-I{proto_dir}", f"--python_out={WORK}/gen", *protos], check=True)
    sys.path.insert(0, f"{WORK}/gen")
    from kith.v1 import conversation_pb2, event_pb2, frame_pb2, search_pb2, send_pb2, session_pb2, user_pb2
    global frame, session, send
    frame, session, send = frame_pb2, session_pb2, send_pb2
    return {"frame": frame_pb2, "session": session_pb2, "send": send_pb2, "user": user_pb2, "event": event_pb2,
            "conversation": conversation_pb2, "search": search_pb2}


def clean_up():
    shutil.rmtree(WORK, ignore_errors=True)


def user_id(handle):
    return hashlib.sha256(b"kith-user:" + handle.encode()).digest()[:16]


def direct_id(a, b):
    """The 1:1 of two handles: its id is a hash of both, as a UUID of version 8."""
    low, high = sorted([user_id(a), user_id(b)])
    made = bytearray(hashlib.sha256(b"kith-dm:" + low + high).digest()[:16])
    made[6] = 0x80 | (made[6] & 0x0F)
    made[8] = 0x80 | (made[8] & 0x3F)
    return bytes(made)


def uuid7():
    ms = int(time.time() * 1000).to_bytes(6, "big")
    rest = bytearray(os.urandom(10))
    rest[0] = 0x70 | (rest[0] & 0x0F)
    rest[2] = 0x80 | (rest[2] & 0x3F)
    return ms + bytes(rest)


class Server(Kithd):
    """kithd with an empty directory, on a free port of the loopback."""

    def __init__(self, kithd, *flags):
        super().__init__(kithd, *flags, data=tempfile.mkdtemp(prefix="server-", dir=WORK))
        self.ready()
        self.tls, self.certificate = self.url.startswith("wss://"), None
        if self.tls:
            files = [os.path.join(d, f) for d, _, fs in os.walk(self.data) for f in fs if f.endswith(".pem")]
            self.certificate = [f for f in files if "PRIVATE" not in open(f).read()]

    def context(self):
        if not self.tls:
            return None
        context = ssl.create_default_context()
        for file in self.certificate:
            context.load_verify_locations(file)
        return context

    def rss_mib(self):
        return self.rss() / 2**20


class Closed(Exception):
    """The server has closed the connection."""


class Wire:
    """One connection. Answers are found by their number; pushes are kept."""

    def __init__(self, port, source="127.0.0.1", context=None, timeout=10.0, receive_bytes=0):
        self.socket = socket.socket()
        if receive_bytes:  # of a peer that takes little
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer, self.request, self.pushes, self.answers = b"", 0, [], {}
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Protocol: kith.v1\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Closed(head.split(b"\r\n")[0].decode())

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            raise Closed("end of stream")
        self.buffer += got

    @staticmethod
    def pack(payload, opcode=2):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", size)
        stream = (int.from_bytes((mask * (size // 4 + 1))[:size], "big")
                  ^ int.from_bytes(payload, "big")).to_bytes(size, "big")
        return head + mask + stream

    def raw(self, data):
        """Writes bytes as they are. socket.timeout if they are not taken."""
        self.socket.settimeout(1)
        self.socket.sendall(data)

    def post(self, **body):
        self.request += 1
        self.raw(self.pack(frame.ClientFrame(req_id=self.request, **body).SerializeToString()))
        return self.request

    def next(self, timeout=10.0):
        """The next frame of the server. socket.timeout, Closed."""
        end = time.monotonic() + timeout
        while True:
            if len(self.buffer) >= 2:
                size, start = self.buffer[1], 2
                if size == 126 and len(self.buffer) >= 4:
                    size, start = struct.unpack(">H", self.buffer[2:4])[0], 4
                elif size == 127 and len(self.buffer) >= 10:
                    size, start = struct.unpack(">Q", self.buffer[2:10])[0], 10
                elif size >= 126:
                    size = 1 << 62
                if len(self.buffer) >= start + size:
                    opcode, payload = self.buffer[0] & 15, self.buffer[start:start + size]
                    self.buffer = self.buffer[start + size:]
                    if opcode == 2:
                        return frame.ServerFrame.FromString(payload)
                    if opcode == 8:
                        raise Closed(f"close {int.from_bytes(payload[:2], 'big')}")
                    continue
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            self._more()

    def answer(self, number, timeout=10.0):
        end = time.monotonic() + timeout
        while number not in self.answers:
            got = self.next(end - time.monotonic())
            if got.reply_to:
                self.answers[got.reply_to] = got
            else:
                self.pushes.append(got)
        return self.answers.pop(number)

    def ask(self, timeout=10.0, **body):
        return self.answer(self.post(**body), timeout)

    def drop_input(self):
        """Throws away what has come, without waiting."""
        while select.select([self.socket], [], [], 0)[0]:
            if not self.socket.recv(1 << 16):
                raise Closed("end of stream")

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass


def code_of(answer):
    """The answer's kind, or its error's name."""
    if answer.HasField("error"):
        return session.ErrorCode.Name(answer.error.code).removeprefix("ERROR_CODE_")
    return answer.WhichOneof("body")


class Person:
    """An account with one device."""

    def __init__(self, server, handle, source="127.0.0.1", context=None):
        self.server, self.handle, self.source, self.context = server, handle, source, context
        self.device, self.token, self.wire = os.urandom(16), None, None

    def open(self, timeout=10.0):
        self.wire = Wire(self.server.port, self.source, self.context, timeout)
        return self

    def register(self):
        got = self.wire.ask(register=session.Register(handle=self.handle, password=PASSWORD, device_id=self.device))
        if not got.HasField("signed_in"):
            raise Closed(f"{self.handle} cannot register: {code_of(got)}")
        self.token = got.signed_in.access_token
        return got

    def sign_in(self, password=PASSWORD, device=None, timeout=30.0):
        got = self.wire.ask(timeout, sign_in=session.SignIn(handle=self.handle, password=password,
                                                             device_id=device or self.device))
        return got

    def hello(self):
        got = self.wire.ask(hello=session.Hello(major=1, device_id=self.device, access_token=self.token))
        if not got.HasField("welcome"):
            raise Closed(code_of(got))
        return got

    def up(self):
        self.open()
        self.register()
        self.hello()
        return self

    def say(self, peer, text, timeout=10.0):
        """Sends one message in the 1:1 with `peer`, a handle; waits for SENT."""
        body = send.Content(plain=send.Plain(text=text)).SerializeToString()
        return self.wire.ask(timeout, send=send.SendBatch(
            conversation_id=direct_id(self.handle, peer), direct_peer=user_id(peer),
            items=[send.OutMessage(message_id=uuid7(), content=body)]))
