"""kithd and its WebSocket as bytes, for tests that keep no rule of the protocol."""
import os
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

import kithd

checks = 0


def check(ok, what):
    global checks
    if not ok:
        raise AssertionError(what)
    checks += 1


def load_protocol(proto_dir, protoc):
    """Makes the modules of the .proto files importable: `from kith.v1 import frame_pb2`."""
    folder = tempfile.mkdtemp(prefix="kith-proto-")
    files = [f"{proto_dir}/kith/v1/{name}" for name in os.listdir(f"{proto_dir}/kith/v1")]
    subprocess.run([protoc, f"-I{proto_dir}", f"--python_out={folder}", *files], check=True)
    sys.path.insert(0, folder)


def frame(opcode, data=b"", fin=True, mask=True, rsv=0, length=None):
    n = len(data) if length is None else length
    size = n if n < 126 else 126 if n < 65536 else 127
    out = bytes([(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if mask else 0) | size])
    out += b"" if n < 126 else struct.pack(">H", n) if n < 65536 else struct.pack(">Q", n)
    key = os.urandom(4)
    return out + (key + bytes(c ^ key[i % 4] for i, c in enumerate(data)) if mask else data)


class Kithd(kithd.Kithd):
    def __init__(self, program, *flags, limit=None, tls=False):
        self.folder = tempfile.TemporaryDirectory(prefix="kith-wire-")
        kind = ["--dev"] if tls else ["--plain", "--accounts", "--password-cost", "10"]
        more = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))} if limit else {}
        super().__init__(program, *kind, *flags, data=f"{self.folder.name}/data", **more)
        self.ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status = self.end()
        self.folder.cleanup()
        check(status == 0, f"kithd ended with {status}")


class Socket:
    def __init__(self, port, path="/v1/ws", drop=(), extra="", method="GET", version="HTTP/1.1", end="\r\n",
                 upgrade=True, behind=b"", before=b"", tls=False, source="127.0.0.1", **fields):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
        self.buffer = b""
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if before:
                self.s.sendall(before)
                before = b""
            self.s = context.wrap_socket(self.s)
        if not upgrade:
            return
        head = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "kith.v1"}
        head.update({k.replace("_", "-"): v for k, v in fields.items()})
        text = f"{method} {path} {version}{end}" + "".join(f"{k}: {v}{end}" for k, v in head.items() if k not in drop)
        self.s.sendall(before + (text + extra + end).encode() + behind)

    def status(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                break
        self.head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return self.head[9:12].decode() or "closed"

    def fill(self):
        try:
            got = self.s.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        self.buffer += got
        return bool(got)

    def opened(self):
        check(self.status() == "101", f"not upgraded: {self.head!r}")
        return self

    def send(self, *frames):
        try:
            for one in frames:
                self.s.sendall(one)
        except (ConnectionResetError, BrokenPipeError):
            pass  # closed: the next read says so
        return self

    def read(self):
        """The next frame as (opcode, payload); (None, b"") when the connection has ended."""
        while True:
            if len(self.buffer) >= 2:
                size, at = self.buffer[1] & 127, 2
                if size >= 126:
                    at = 4 if size == 126 else 10
                    size = int.from_bytes(self.buffer[2:at], "big")
                if len(self.buffer) >= at + size:
                    opcode, payload = self.buffer[0] & 15, self.buffer[at:at + size]
                    self.buffer = self.buffer[at + size:]
                    return opcode, payload
            if not self.fill():
                return None, b""

    def close_code(self):
        while True:
            opcode, payload = self.read()
            if opcode is None:
                return None
            if opcode == 8:
                return int.from_bytes(payload[:2], "big")

    def ended(self):
        while self.read()[0] is not None:
            pass
        return True

    def shut(self):
        self.s.close()


