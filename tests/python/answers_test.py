"""Every request is answered, whatever its size: each request type, each of its fields, sizes up to the frame limit.

A request is answered under its id, or its connection is closed with a documented code; never silence.

usage: answers_test.py KITHD PROTO_DIR PROTOC
"""
import os
import socket
import sys
import time
import uuid

import raw
from raw import Kithd, Socket, check, frame

KITHD = sys.argv[1]
raw.load_protocol(*sys.argv[2:4])
from google.protobuf.descriptor import FieldDescriptor as Field  # noqa: E402
from kith.v1 import frame_pb2, send_pb2, session_pb2  # noqa: E402

FRAME_MAX = 65536
SIZES = [0, 20, 3_000, 40_000, 65_300, FRAME_MAX]
SILENT = {"goodbye", "ack_events", "set_typing", "set_presence", "presence_subscribe"}
ENTRY = {"hello", "register", "sign_in"}
DOCUMENTED = {1000, 1002, 1003, 1007, 1008, 1009, 1012, 4400, 4401, 4409}
PATIENCE = 20
WHO = "tester"


class Session:
    def __init__(self, port):
        self.port, self.device, self.token, self.req = port, os.urandom(16), b"", 0
        self.socket = None

    def open(self, signed_in=True):
        if self.socket:
            self.socket.shut()
        self.socket = Socket(self.port).opened()
        self.socket.s.settimeout(PATIENCE)
        if not signed_in:
            return self
        if not self.token:
            answer, _ = self.ask(
                register=session_pb2.Register(handle=WHO, password="correct horse", device_id=self.device))
            check(answer.HasField("signed_in"), f"not registered: {answer}")
            self.token = answer.signed_in.access_token
        answer, _ = self.ask(hello=session_pb2.Hello(major=1, device_id=self.device, access_token=self.token))
        if not answer or not answer.HasField("welcome"):  # revoked, or the password was changed
            self.device, self.token = os.urandom(16), b""
            self.socket.shut()
            self.socket = Socket(self.port).opened()
            answer, _ = self.ask(
                sign_in=session_pb2.SignIn(handle=WHO, password="correct horse", device_id=self.device))
            check(answer and answer.HasField("signed_in"), f"not signed in: {answer}")
            self.token = answer.signed_in.access_token
            answer, _ = self.ask(hello=session_pb2.Hello(major=1, device_id=self.device, access_token=self.token))
            check(answer and answer.HasField("welcome"), f"not welcome: {answer}")
        return self

    def ask(self, **body):
        self.req += 1
        return self.say(frame_pb2.ClientFrame(req_id=self.req, **body))

    def say(self, message):
        """The answer, or None and the code with which the connection was closed."""
        self.socket.send(frame(2, message.SerializeToString()))
        return self.answer(message.req_id)

    def answer(self, req_id):
        while True:
            try:
                opcode, payload = self.socket.read()
            except socket.timeout:
                raise AssertionError(f"request {req_id} is not answered in {PATIENCE} s") from None
            if opcode is None or opcode == 8:
                return None, int.from_bytes(payload[:2], "big") if payload else 1006
            got = frame_pb2.ServerFrame.FromString(payload)
            if got.reply_to == req_id:
                return got, None


def grow(message, field, size):
    """Fills one field until the message has about `size` bytes."""
    room = max(0, size - message.ByteSize() - 8)
    value = getattr(message, field.name)
    if field.type in (Field.TYPE_BYTES, Field.TYPE_STRING):
        one = uuid.uuid4().bytes if field.type == Field.TYPE_BYTES else "x" * 16
        if field.label == Field.LABEL_REPEATED:
            value.extend([one] * (room // 18))
        else:
            setattr(message, field.name, (one * (room // 16 + 1))[:room])
    elif field.type == Field.TYPE_MESSAGE:
        each = value.add() if field.label == Field.LABEL_REPEATED else value
        each.SetInParent()
        for inner in field.message_type.fields:
            if inner.type == Field.TYPE_BYTES and inner.label != Field.LABEL_REPEATED:
                setattr(each, inner.name, uuid.uuid4().bytes)
        if field.label != Field.LABEL_REPEATED:
            for inner in field.message_type.fields:
                if inner.type in (Field.TYPE_BYTES, Field.TYPE_STRING):
                    grow(each, inner, room)
                    return
        elif each.ByteSize():
            for _ in range(room // (each.ByteSize() + 3)):
                value.add().CopyFrom(each)
    elif field.label == Field.LABEL_REPEATED:
        value.extend([1] * (room // 2))
    else:
        setattr(message, field.name, 1)


def requests(kind):
    """Each field of a request alone, in each size; ids are made as long as ids are."""
    descriptor = frame_pb2.ClientFrame.DESCRIPTOR.fields_by_name[kind].message_type
    yield frame_pb2.ClientFrame(**{kind: {}})
    for field in descriptor.fields:
        for size in SIZES:
            made = frame_pb2.ClientFrame(req_id=1 << 40)
            body = getattr(made, kind)
            body.SetInParent()
            for other in descriptor.fields:
                single = other.type == Field.TYPE_BYTES and other.label != Field.LABEL_REPEATED
                if single and other.name != field.name:
                    setattr(body, other.name, uuid.uuid4().bytes)
            grow(body, field, size - 16)
            if made.ByteSize() <= FRAME_MAX:
                yield made


def every_request(session):
    kinds = [field.name for field in frame_pb2.ClientFrame.DESCRIPTOR.oneofs_by_name["body"].fields]
    for kind in kinds:
        begin, count = time.monotonic(), 0
        for made in requests(kind):
            if kind in ENTRY:
                session.open(signed_in=False)
            session.req += 1
            made.req_id = session.req
            if kind in SILENT:
                session.socket.send(frame(2, made.SerializeToString()))
                answer, code = session.ask(ping={"t": 1})
            else:
                answer, code = session.say(made)
            count += 1
            what = f"{kind} of {made.ByteSize()} bytes"
            check(answer is not None or code in DOCUMENTED, f"{what} ends the connection with {code}")
            if answer is None:
                session.open()
        if kind in ENTRY:
            session.open()
        print(f"  {kind}: {count} in {time.monotonic() - begin:.1f} s", flush=True)


def many_large_answers(session):
    """Answers of 48 KiB each, asked for in one turn of the loop: all come, without another word of the client."""
    session.open()
    conversation = uuid.uuid4().bytes
    answer, _ = session.ask(create_conversation={"conversation_id": conversation, "command_id": uuid7(), "title": "g"})
    check(answer and answer.HasField("placed"), f"not created: {answer}")
    items = [send_pb2.OutMessage(message_id=uuid7(), content=content("y" * 3_900)) for _ in range(16)]
    answer, _ = session.ask(send={"conversation_id": conversation, "items": items})
    check(answer and answer.HasField("send_result"), f"not sent: {answer}")
    for count in (1, 2, 4, 8, 12):
        asked = []
        wire = b""
        for _ in range(count):
            session.req += 1
            asked.append(session.req)
            get = frame_pb2.ClientFrame(req_id=session.req)
            get.get_events.conversation_id = conversation
            get.get_events.limit = 200
            wire += frame(2, get.SerializeToString())
        session.socket.send(wire)
        for req in asked:
            answer, code = session.answer(req)
            check(answer is not None, f"closed with {code} in the middle of {count} answers")


def uuid7():
    rest = bytearray(os.urandom(10))
    rest[0] = 0x70 | (rest[0] & 0x0F)
    rest[2] = 0x80 | (rest[2] & 0x3F)
    return int(time.time() * 1000).to_bytes(6, "big") + bytes(rest)


def content(text):
    made = send_pb2.Content()
    made.plain.text = text
    return made.SerializeToString()


def main():
    generous = ["--commands-per-s", "100000", "--commands-burst", "100000", "--failures-per-min", "100000",
                "--registrations-per-h", "100000", "--lookups-per-s", "100000"]
    with Kithd(KITHD, *generous) as server:
        session = Session(server.port).open()
        every_request(session)
        many_large_answers(session)
    print(f"ok: {raw.checks} checks")


main()
