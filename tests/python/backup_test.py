"""A backup under load, restored: nothing acknowledged is missing, and no device mistakes the copy for what it knew.

usage: backup_test.py KITHD KITH PROTO_DIR PROTOC
"""
import asyncio
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import websockets

from kithd import Kithd

KITHD, KITH, PROTO_DIR, PROTOC = sys.argv[1:5]
WORK = tempfile.mkdtemp(prefix="kith-backup-")
os.makedirs(f"{WORK}/gen")
subprocess.run([PROTOC, f"-I{PROTO_DIR}", f"--python_out={WORK}/gen", *glob.glob(f"{PROTO_DIR}/kith/v1/*.proto")],
               check=True)
sys.path.insert(0, f"{WORK}/gen")
from kith.v1 import frame_pb2, send_pb2, session_pb2, sync_pb2  # noqa: E402

DEADLINE = 60
checks = 0


def check(ok, what):
    global checks
    if not ok:
        raise AssertionError(what)
    checks += 1
    print(f"  ok: {what}", flush=True)


def uuid7():
    rest = bytearray(os.urandom(10))
    rest[0] = 0x70 | (rest[0] & 0x0F)
    rest[2] = 0x80 | (rest[2] & 0x3F)
    return int(time.time() * 1000).to_bytes(6, "big") + bytes(rest)


def kithd_of(data, port=0):
    return Kithd(KITHD, "--dev", "--plain", "--commands-per-s", "100000", "--commands-burst", "100000", data=data,
                 port=port).ready()


class Client:
    def __init__(self, server, handle):
        self.url, self.handle, self.device = server.url, handle, os.urandom(16)
        self.req, self.token, self.welcome = 0, None, None

    async def up(self, cursor=0, run_id=b""):
        self.ws = await websockets.connect(self.url, subprotocols=["kith.v1"], max_size=65536)
        if self.token is None:
            frame = await self.ask(register=session_pb2.Register(handle=self.handle, password="correct horse battery",
                                                                 device_id=self.device))
            assert frame.HasField("signed_in"), frame
            self.token, self.user = frame.signed_in.access_token, frame.signed_in.user_id
        frame = await self.ask(hello=session_pb2.Hello(major=1, device_id=self.device, access_token=self.token,
                                                       cursor=cursor, run_id=run_id))
        assert frame.HasField("welcome"), frame
        self.welcome = frame.welcome
        return self

    async def ask(self, **body):
        self.req += 1
        await self.ws.send(frame_pb2.ClientFrame(req_id=self.req, **body).SerializeToString())
        while True:
            frame = frame_pb2.ServerFrame.FromString(await asyncio.wait_for(self.ws.recv(), DEADLINE))
            if frame.reply_to == self.req:
                return frame

    async def say(self, conversation, peer, text):
        content = send_pb2.Content(plain=send_pb2.Plain(text=text)).SerializeToString()
        frame = await self.ask(send=send_pb2.SendBatch(
            conversation_id=conversation, direct_peer=peer,
            items=[send_pb2.OutMessage(message_id=uuid7(), content=content)]))
        item = frame.send_result.items[0]
        return item.placed.seq if item.HasField("placed") else None

    async def history(self, conversation):
        found, at = {}, 1
        while True:
            page = (await self.ask(get_events={"conversation_id": conversation, "from": at})).events_page.events
            if not page:
                return found
            found.update({e.seq: send_pb2.Content.FromString(e.body).plain.text for e in page if e.kind == 1})
            at = page[-1].seq + 1

    async def cursor(self):
        return (await self.ask(sync=sync_pb2.SyncRequest(snapshot=True))).sync_page.next_cursor


def backup(data, to):
    return subprocess.run([KITHD, "backup", to, "--data", data], capture_output=True, text=True, timeout=DEADLINE)


async def under_load():
    server = kithd_of(f"{WORK}/live")
    alice, bob = await Client(server, "alice").up(), await Client(server, "bob").up()
    with_bob = (await direct(alice, bob))
    said, stop = {}, False

    async def load():
        while not stop:
            text = f"message {len(said)} " + "x" * 300
            seq = await alice.say(with_bob, bob.user, text)
            if seq:
                said[seq] = text
    busy = asyncio.create_task(load())
    while len(said) < 500:
        await asyncio.sleep(0.01)
    before = dict(said)
    copied = await asyncio.to_thread(backup, server.data, f"{WORK}/copy")
    check(copied.returncode == 0, f"kithd backup while it runs: {copied.stderr}")
    after = len(said)
    while len(said) < after + 50:
        await asyncio.sleep(0.01)
    stop = True
    await busy
    check(backup(server.data, f"{WORK}/copy").returncode == 1, "a second backup does not overwrite the first")
    cursor, run = await bob.cursor(), bob.welcome.run_id
    server.end(signal.SIGKILL)

    server = kithd_of(f"{WORK}/copy", server.port)
    await alice.up()
    kept = await alice.history(with_bob)
    check(all(kept.get(seq) == text for seq, text in before.items()),
          f"all {len(before)} messages acknowledged before the backup are in it")
    check(sorted(kept) == list(range(min(kept), max(kept) + 1)) and len(kept) < len(said),
          f"it is of one moment: {len(kept)} of {len(said)}, without holes")
    check(alice.welcome.run_id not in (b"", run), "the restored server says that it is another run")

    # The server counts past what bob had seen, before bob comes back.
    while await alice.cursor() <= cursor:
        await alice.say(with_bob, bob.user, "another history")
    await bob.up(cursor, run)
    reset = (await bob.ask(sync=sync_pb2.SyncRequest(cursor=cursor))).sync_reset
    check(reset.reason == sync_pb2.SYNC_RESET_REASON_FUTURE, "a device that saw the lost end begins anew")
    check(abs(reset.kept_until_ms - time.time() * 1000) < 600_000, "and hears until when its history is the server's")
    page = (await bob.ask(sync=sync_pb2.SyncRequest(snapshot=True))).sync_page
    check(len(page.changed) == 1, "then it lists what there is")
    await bob.up(page.next_cursor, bob.welcome.run_id)
    answer = await bob.ask(sync=sync_pb2.SyncRequest(cursor=page.next_cursor))
    check(answer.HasField("sync_page"), "once it has, it goes on")
    server.end()
    check(backup(f"{WORK}/copy", f"{WORK}/still").returncode == 0, "kithd backup while none runs")
    server = kithd_of(f"{WORK}/copy", server.port)
    await bob.up(page.next_cursor, bob.welcome.run_id)
    answer = await bob.ask(sync=sync_pb2.SyncRequest(cursor=page.next_cursor))
    check(answer.HasField("sync_page"), "a restart is no restore")
    await bob.up(page.next_cursor, os.urandom(16))
    answer = await bob.ask(sync=sync_pb2.SyncRequest(cursor=page.next_cursor))
    check(answer.HasField("sync_reset"), "a run that nobody knows is another history")
    server.end()


async def direct(one, other):
    low, high = sorted([one.user, other.user])
    digest = bytearray(hashlib.sha256(b"kith-dm:" + low + high).digest()[:16])
    digest[6], digest[8] = 0x80 | (digest[6] & 0x0F), 0x80 | (digest[8] & 0x3F)  # RFC 9562, version 8
    assert await one.say(bytes(digest), other.user, "hello"), "no 1:1"
    return bytes(digest)


def people():
    """The same with the client that people use: a message that the server has lost comes back from its sender."""
    environment = {**os.environ, "KITH_PASSWORD": "correct horse battery"}

    def kith(who, *arguments):
        done = subprocess.run([KITH, "--home", f"{WORK}/{who}", *arguments], capture_output=True, text=True,
                              timeout=DEADLINE, env=environment)
        if done.returncode != 0:
            raise AssertionError(f"kith {arguments}: {done.stdout}{done.stderr}")
        return done.stdout
    server = kithd_of(f"{WORK}/people")
    for who in ("carol", "dave"):
        kith(who, "register", "--url", server.url, "--handle", who)
    kith("carol", "send", "dave", "kept")
    kith("dave", "history", "carol")
    check(backup(server.data, f"{WORK}/people-copy").returncode == 0, "a backup between two messages")
    kith("carol", "send", "dave", "lost at the server")
    check("lost at the server" in kith("dave", "history", "carol"), "dave has read the second")
    server.end()
    shutil.rmtree(server.data)
    shutil.move(f"{WORK}/people-copy", server.data)
    server = kithd_of(server.data, server.port)
    # dave's is the first word of the new history: it takes the number that the lost message had.
    kith("dave", "send", "carol", "after the restore")
    kith("carol", "send", "dave", "carol is back")
    wanted = ["kept", "lost at the server", "after the restore", "carol is back"]
    for who, other in (("carol", "dave"), ("dave", "carol")):
        end = time.time() + DEADLINE
        while True:
            shown = kith(who, "history", other)
            if all(shown.count(text) == 1 for text in wanted) or time.time() > end:
                break
        check(all(shown.count(text) == 1 for text in wanted), f"{who} has all four messages once: {shown}")
    server.end()


try:
    asyncio.run(under_load())
    people()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
print(f"{checks} checks passed")
