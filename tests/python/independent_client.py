"""An independent client: drives kithd from Python with docs/protocol.md and the .proto files alone.

usage: independent_client.py KITHD PROTO_DIR PROTOC
"""
import asyncio
import hashlib
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time

import websockets

from kithd import Kithd

KITHD, PROTO_DIR, PROTOC = sys.argv[1:4]
WORK = tempfile.mkdtemp(prefix="kith-python-")
os.makedirs(f"{WORK}/gen")
protos = [f"{PROTO_DIR}/kith/v1/{f}" for f in os.listdir(f"{PROTO_DIR}/kith/v1")]
subprocess.run([PROTOC, f"-I{PROTO_DIR}", f"--python_out={WORK}/gen", *protos], check=True)
sys.path.insert(0, f"{WORK}/gen")
from kith.v1 import conversation_pb2, frame_pb2, send_pb2, session_pb2  # noqa: E402

checks = 0


def check(ok, what):
    global checks
    if not ok:
        raise AssertionError(what)
    checks += 1
    print(f"  ok: {what}", flush=True)


def uuid7():
    ms = int(time.time() * 1000).to_bytes(6, "big")
    rest = bytearray(os.urandom(10))
    rest[0] = 0x70 | (rest[0] & 0x0F)
    rest[2] = 0x80 | (rest[2] & 0x3F)
    return ms + bytes(rest)


def user_id(handle):
    return hashlib.sha256(b"kith-user:" + handle.encode()).digest()[:16]


def uuid_of(id16, version):
    made = bytearray(id16)
    made[6] = version << 4 | (made[6] & 0x0F)
    made[8] = 0x80 | (made[8] & 0x3F)
    return bytes(made)


def direct_id(a, b):
    low, high = sorted([user_id(a), user_id(b)])
    return uuid_of(hashlib.sha256(b"kith-dm:" + low + high).digest()[:16], 8)


class Client:
    def __init__(self, server, handle):
        self.server, self.handle, self.device = server, handle, os.urandom(16)
        self.pushes, self.req, self.token, self.ws = [], 0, None, None

    async def open(self):
        files = [os.path.join(d, f) for d, _, fs in os.walk(f"{WORK}/server") for f in fs]
        ca = [f for f in files if "ca" in os.path.basename(f) and f.endswith(".pem")]
        context = ssl.create_default_context()
        for f in ca:
            if b"PRIVATE" not in open(f, "rb").read():
                context.load_verify_locations(f)
        self.ws = await websockets.connect(
            self.server.url, ssl=context, subprotocols=["kith.v1"], max_size=65536)

    async def ask(self, **body):
        self.req += 1
        await self.ws.send(frame_pb2.ClientFrame(req_id=self.req, **body).SerializeToString())
        while True:
            frame = await self.next(keep_pushes=True)
            if frame.reply_to == self.req:
                return frame

    async def next(self, keep_pushes=False):
        frame = frame_pb2.ServerFrame.FromString(await asyncio.wait_for(self.ws.recv(), 10))
        if keep_pushes and frame.reply_to == 0:
            self.pushes.append(frame)
        return frame

    async def push(self, kind):
        while True:
            for i, frame in enumerate(self.pushes):
                if frame.WhichOneof("body") == kind:
                    return self.pushes.pop(i)
            await self.next(keep_pushes=True)

    async def register(self):
        frame = await self.ask(register=session_pb2.Register(
            handle=self.handle, password="correct horse", device_id=self.device))
        check(frame.signed_in.user_id == user_id(self.handle),
              f"{self.handle} registers; the id is derived from the handle")
        self.token = frame.signed_in.access_token

    async def hello(self):
        frame = await self.ask(hello=session_pb2.Hello(
            major=1, minor=0, device_id=self.device, access_token=self.token))
        check(frame.WhichOneof("body") == "welcome" and frame.welcome.user_id == user_id(self.handle),
              f"{self.handle} is welcome")

    async def say(self, peer, text, mid=None, attempt=0):
        content = send_pb2.Content(plain=send_pb2.Plain(text=text)).SerializeToString()
        frame = await self.ask(send=send_pb2.SendBatch(
            conversation_id=direct_id(self.handle, peer), direct_peer=user_id(peer),
            items=[send_pb2.OutMessage(message_id=mid or uuid7(), attempt=attempt, content=content)]))
        return frame.send_result.items[0].placed if frame.HasField("send_result") else frame


def text_of(event):
    return send_pb2.Content.FromString(event.body).plain.text


async def scenario(server):
    alice, bob = Client(server, "alice"), Client(server, "bob")
    for c in (alice, bob):
        await c.open()
        await c.register()
        await c.hello()
    conversation = direct_id("alice", "bob")

    mid = uuid7()
    placed = await alice.say("bob", "hello from Python", mid)
    check(placed.seq == 2 and not placed.duplicate, "a first message creates the 1:1 and is placed after its creation")
    again = await alice.say("bob", "hello from Python", mid, attempt=1)
    check(again.seq == placed.seq and again.duplicate, "a repetition is answered with the first place (R-1)")
    pushed = []
    while not any(e.message_id == mid for e in pushed):
        pushed += (await bob.push("event_push")).event_push.events
    check(text_of(pushed[-1]) == "hello from Python" and pushed[-1].sender == user_id("alice"), "bob gets it live")

    page = (await bob.ask(sync={"cursor": 0})).sync_page
    state = page.changed[0]
    check(state.conversation_id == conversation and state.last_seq == 2
          and state.last_ordinal - state.read_ordinal == 1,
          "sync shows the conversation with one unread")
    check(state.direct_peer == user_id("alice") and state.delivered_all_seq < 2, "not delivered before bob's ack (R-3)")
    events = (await bob.ask(get_events={"conversation_id": conversation, "from": 1})).events_page.events
    check([e.seq for e in events] == [1, 2], "history has no holes")

    ack = frame_pb2.ClientFrame(ack_events={"upto": [{"conversation_id": conversation, "seq": 2}]})
    await bob.ws.send(ack.SerializeToString())
    while (await alice.push("receipt_push")).receipt_push.states[0].delivered_all_seq < 2:
        pass
    check(True, "alice sees DELIVERED after the ack")
    await bob.ask(mark_read={"conversation_id": conversation, "upto_seq": 2})
    while (await alice.push("receipt_push")).receipt_push.states[0].read_all_seq < 2:
        pass
    check(True, "alice sees READ")

    frame = await bob.ask(sync={"cursor": page.next_cursor})
    check(all(s.last_ordinal == s.read_ordinal for s in frame.sync_page.changed), "nothing is unread any more")
    check((await bob.ask(sync={"cursor": 10**9})).HasField("sync_reset"), "a cursor of another history is reset")

    for i in range(50):
        await alice.say("bob", f"before the crash {i}")
    server.end(signal.SIGKILL)
    server.start().ready()
    await alice.open()
    await alice.hello()
    events = (await alice.ask(get_events={"conversation_id": conversation, "from": 1})).events_page.events
    check([e.seq for e in events] == list(range(1, 53)),
          "everything that was SENT survives kill -9 (R-5), without holes")
    placed = await alice.say("bob", "hello from Python", mid, attempt=2)
    check(placed.seq == 2 and placed.duplicate, "and a repetition is still recognised")

    group = uuid_of(os.urandom(16), 4)
    created = await alice.ask(create_conversation=conversation_pb2.CreateConversation(
        conversation_id=group, command_id=uuid7(), title="python", members=[user_id("bob")]))
    check(created.placed.seq == 1, "a group is created")
    await bob.open()
    await bob.hello()
    denied = await bob.ask(update_meta={"conversation_id": group, "command_id": uuid7(), "title": "mine"})
    check(denied.error.code == session_pb2.ERROR_CODE_PERMISSION_DENIED, "a member may not rename it")
    eve = Client(server, "eve")
    await eve.open()
    await eve.register()
    await eve.hello()
    refused = await eve.ask(get_events={"conversation_id": group, "from": 1})
    check(refused.error.code == session_pb2.ERROR_CODE_NOT_MEMBER, "a stranger sees nothing")

    bad = Client(server, "mallory")
    await bad.open()
    bad.token = b"no token"
    frame = await bad.ask(hello=session_pb2.Hello(major=1, device_id=bad.device, access_token=bad.token))
    check(frame.error.code == session_pb2.ERROR_CODE_UNAUTHENTICATED, "a wrong token gets its own error")
    garbage = Client(server, "garbage")
    await garbage.open()
    await garbage.ws.send(b"\xff\xff\xff")
    try:
        while True:
            await asyncio.wait_for(garbage.ws.recv(), 10)
    except websockets.ConnectionClosed as closed:
        check(closed.code == 4400, "a malformed frame closes with 4400")


server = Kithd(KITHD, "--dev", data=f"{WORK}/server").ready()
asyncio.run(scenario(server))
server.end()
print(f"{checks} checks passed")
