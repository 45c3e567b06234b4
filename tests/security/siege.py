"""A siege: honest people beside attackers of another address, against a kithd of its own on the loopback.

usage: siege.py KITHD PROTO_DIR PROTOC [--full]

(a) Beside 80 connections of one address that guess passwords, honest sign-ins of other addresses pass (>= 99 %), with
    a p95 of at most 3 times the quiet one; a device that is known passes from the attackers' own address.
    So they do beside 80 accounts of one address that sign in rightly, without a pause.
(b) Beside 20 hostile TLS handshakes a second, 4 dear searches, 2 connections of junk acknowledgements and 100
    registrations a second tried, SENT has a p50 of at most twice the quiet one, and an honest search is answered.
(c) Memory (RSS) grows by at most 64 MiB under each flood of its own.

Prints figures and the broken bounds; exit status 1 if there are any. Without --full it is short, and judges times with
a grace for busy machines.
"""
import multiprocessing
import random
import resource
import socket
import ssl
import sys
import threading
import time
import uuid

import kith_wire as k

KITHD, PROTO_DIR, PROTOC = sys.argv[1:4]
FULL = "--full" in sys.argv
S = k.load_schema(PROTO_DIR, PROTOC)
ATTACKER, HONEST = "127.0.0.1", "127.0.0.2"
SECONDS = 20.0 if FULL else 3.0
GRACE_S = 0.0 if FULL else 0.4  # of another process that has the processor
RSS_BOUND_MIB = 64
faults = []


def judge(ok, what):
    print(f"  {'ok' if ok else 'BAD'}: {what}", flush=True)
    if not ok:
        faults.append(what)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] if values else float("inf")


def show(values):
    return (f"n {len(values)}, p50 {quantile(values, .5) * 1e3:.0f} ms, p95 {quantile(values, .95) * 1e3:.0f} ms, "
            f"max {quantile(values, 1) * 1e3:.0f} ms")


# --- attackers: each in a process of its own, until it is stopped ---

class Attack:
    def __init__(self, run, *arguments):
        self.stop, self.done = multiprocessing.Event(), multiprocessing.Value("Q", 0)
        self.process = multiprocessing.Process(target=run, args=(self.stop, self.done, *arguments), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.process.join(15)
        if self.process.is_alive():
            self.process.terminate()


def crew(stop, work, count):
    """`count` threads that repeat work(number) until `stop`; a broken one begins anew."""
    def run(number):
        while not stop.is_set():
            try:
                work(number)
            except (k.Closed, OSError, ValueError):
                stop.wait(0.02)
    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(5)


def guess_passwords(stop, done, port, victims):
    def work(number):
        wire = k.Wire(port, ATTACKER)
        try:
            for _ in range(8):
                wire.ask(sign_in=S["session"].SignIn(handle=random.choice(victims), device_id=random.randbytes(16),
                                                     password=f"guess {random.random()}"))
                with done.get_lock():
                    done.value += 1
        finally:
            wire.close()
    crew(stop, work, 80)


def sign_in_rightly(stop, done, port, accounts):
    """Each on a device that its account knows: nothing is guessed, and every attempt is worth a hash."""
    def work(number):
        handle, device = accounts[number]
        wire = k.Wire(port, ATTACKER)
        try:
            for _ in range(8):
                wire.ask(sign_in=S["session"].SignIn(handle=handle, device_id=device, password=k.PASSWORD))
                with done.get_lock():
                    done.value += 1
        finally:
            wire.close()
    crew(stop, work, len(accounts))


def register_people(stop, done, port, context, a_second):
    """Tries registrations at that rate a second, on one connection after the other."""
    def work(number):
        wire = k.Wire(port, ATTACKER, context)
        try:
            for _ in range(8):
                begun = time.monotonic()
                got = wire.ask(register=S["session"].Register(handle="spam" + random.randbytes(6).hex(),
                                                              password=k.PASSWORD, device_id=random.randbytes(16)))
                if got.HasField("signed_in"):
                    with done.get_lock():
                        done.value += 1
                stop.wait(max(0.0, 16 / a_second - (time.monotonic() - begun)))
        finally:
            wire.close()
    crew(stop, work, 16)


def shake_hands(stop, done, port, a_second):
    """Says a ClientHello, takes what the server computed for it, and goes away."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    client_hello = outgoing.read()

    def work(number):
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), 5, (ATTACKER, 0)) as peer:
            peer.sendall(client_hello)
            peer.recv(4096)
        with done.get_lock():
            done.value += 1
        stop.wait(max(0.0, 4 / a_second - (time.monotonic() - begun)))
    crew(stop, work, 4)


def signed_in(port, context, account):
    wire = k.Wire(port, ATTACKER, context)
    wire.ask(hello=S["session"].Hello(major=1, device_id=account[1], access_token=account[0]))
    return wire


def acknowledge_junk(stop, done, port, context, accounts):
    def work(number):
        wire = signed_in(port, context, accounts[number])
        try:
            while not stop.is_set():
                heads = [S["session"].HeadRef(conversation_id=uuid.uuid4().bytes, seq=1) for _ in range(2000)]
                wire.raw(wire.pack(S["frame"].ClientFrame(
                    ack_events=S["event"].AckEvents(upto=heads)).SerializeToString()))
                with done.get_lock():
                    done.value += 1
        finally:
            wire.close()
    crew(stop, work, len(accounts))


def search_dearly(stop, done, port, context, account):
    def work(number):
        wire = signed_in(port, context, account)
        try:
            while not stop.is_set():
                queries = [" ".join(random.sample(WORDS, 28)) for _ in range(4)]
                asked = [wire.post(search=S["search"].SearchMessages(query=query, limit=50)) for query in queries]
                for one in asked:
                    wire.answer(one)
                    with done.get_lock():
                        done.value += 1
        finally:
            wire.close()
    crew(stop, work, 1)


def flood(stop, done, port, context, account, chunk, count):
    """Writes the same bytes into `count` connections, signed in if there is an account, and reads nothing of worth."""
    def work(number):
        wire = signed_in(port, context, account) if account else k.Wire(port, ATTACKER, context)
        try:
            while not stop.is_set():
                wire.raw(chunk)
                wire.drop_input()
                with done.get_lock():
                    done.value += 1
        finally:
            wire.close()
    crew(stop, work, count)


def read_nothing(stop, done, port, sessions):
    """Many devices of a few accounts: each asks for history again and again, and takes none of it."""
    def work(number):
        token, device, group = sessions[number]
        wire = k.Wire(port, ATTACKER, receive_bytes=2048)
        try:
            wire.ask(hello=S["session"].Hello(major=1, device_id=device, access_token=token))
            ask = wire.pack(S["frame"].ClientFrame(req_id=9, get_events={
                "conversation_id": group, "from": 1}).SerializeToString())
            while not stop.is_set():
                wire.raw(ask * 4)
                with done.get_lock():
                    done.value += 1
                stop.wait(0.1)
        finally:
            wire.close()
    crew(stop, work, len(sessions))


WORDS = ("the of and to in is that it was for on are as with his they at be this from have or by one had not but what "
         "all were when we there can an your which their said if do will each about how up out them then she many "
         "some so these would other into has more her two like him see time could no make than first been its who "
         "now people my made over did down only way find use may water long little very after words called just where "
         "most know").split()


# --- honest people ---

def sign_ins(people, seconds, times, context=None):
    """Signs in again and again on new connections; answers how many were refused."""
    refused, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        person = random.choice(people)
        begun = time.monotonic()
        try:
            person.open()
            if person.sign_in().HasField("signed_in"):
                times.append(time.monotonic() - begun)
            else:
                refused += 1
        except (k.Closed, OSError):
            refused += 1
        finally:
            if person.wire:
                person.wire.close()
        time.sleep(0.05)
    return refused


def messages(pair, seconds):
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        answer = pair[0].say(pair[1].handle, "honest")
        if answer.HasField("send_result") and answer.send_result.items[0].HasField("placed"):
            times.append(time.monotonic() - begun)
        time.sleep(0.05)
    return times


def siege_of_passwords():
    print("(a) 80 connections guess passwords", flush=True)
    server = k.Server(KITHD, "--plain", "--accounts", *([] if FULL else ["--password-cost", "12"]))
    people = [k.Person(server, f"honest{n}", f"127.0.0.{2 + n}") for n in range(4)]
    for person in people:
        person.open().register()
        person.wire.close()
    strangers = [k.Person(server, person.handle, "127.0.1.1") for person in people]  # new devices, a new address
    neighbour = k.Person(server, "neighbour", ATTACKER)
    neighbour.open().register()
    quiet, besieged, next_door = [], [], []
    sign_ins(people + strangers, SECONDS / 2, quiet)
    before = server.rss_mib()
    with Attack(guess_passwords, server.port, [p.handle for p in people] + ["nobody"]) as attack:
        time.sleep(1)
        refused = sign_ins(people + strangers, SECONDS, besieged)
        refused_next_door = sign_ins([neighbour], SECONDS / 2, next_door)
    print(f"  guesses answered: {attack.done.value}; quiet {show(quiet)}; besieged {show(besieged)}; "
          f"from the attackers' address {show(next_door)}")
    tried = len(besieged) + refused
    judge(tried > 0 and len(besieged) >= 0.99 * tried, f"{len(besieged)} of {tried} honest sign-ins passed")
    judge(quantile(besieged, .95) <= 3 * quantile(quiet, .95) + GRACE_S, "their p95 is at most 3 times the quiet one")
    judge(refused_next_door == 0 and next_door, "a known device of the attackers' address signs in")
    judge(server.rss_mib() <= before + RSS_BOUND_MIB, f"RSS {before:.0f} -> {server.rss_mib():.0f} MiB")
    many, beside = [k.Person(server, f"many{n}", ATTACKER) for n in range(80)], []
    for person in many:
        person.open().register()
        person.wire.close()
    with Attack(sign_in_rightly, server.port, [(p.handle, p.device) for p in many]) as attack:
        time.sleep(1)
        refused = sign_ins(people + strangers, SECONDS, beside)
    tried = len(beside) + refused
    print(f"  80 accounts of one address sign in: {attack.done.value} answered; honest {show(beside)}")
    judge(tried > 0 and len(beside) >= 0.99 * tried, f"{len(beside)} of {tried} honest sign-ins passed beside them")
    judge(quantile(beside, .95) <= 3 * quantile(quiet, .95) + GRACE_S, "their p95 is at most 3 times the quiet one")
    if FULL:
        end = time.monotonic() + 65  # lines come once a minute
        while "refused_sign_in" not in server.log() and time.monotonic() < end:
            time.sleep(1)
        judge("refused_sign_in" in server.log(), "the log tells the refusals")
    judge(server.end() == 0, "kithd ends well")


def filled(server, context, writers, seconds):
    """Gives the attacker and the honest pair a history of words."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for writer in writers:
            try:
                writer.say("dear", " ".join(random.choices(WORDS, k=120)))
            except (k.Closed, OSError, KeyError):
                pass


def siege_of_everything():
    print("(b) handshakes, searches, junk acknowledgements, registrations", flush=True)
    server = k.Server(KITHD, "--dev")
    context = server.context()
    ann, bob = (k.Person(server, handle, HONEST, context).up() for handle in ("ann", "bob"))
    ann.say("bob", "a needle in the hay")
    accounts = []
    for handle in ("dear", "junk1", "junk2", "writer1", "writer2", "writer3"):
        person = k.Person(server, handle, ATTACKER, context).up()
        accounts.append(person)
    filled(server, context, accounts[3:], SECONDS / 2)
    keys = [(person.token, person.device) for person in accounts]
    for person in accounts:
        person.wire.close()
    quiet = messages((ann, bob), SECONDS / 2)
    before = server.rss_mib()
    found = None
    with Attack(shake_hands, server.port, 20) as hands, \
            Attack(search_dearly, server.port, context, keys[0]) as searches, \
            Attack(acknowledge_junk, server.port, context, keys[1:3]) as junk, \
            Attack(register_people, server.port, context, 100) as people:
        time.sleep(1)
        besieged = messages((ann, bob), SECONDS)
        begun = time.monotonic()
        found = bob.wire.ask(search=S["search"].SearchMessages(query="needle"))
        waited = time.monotonic() - begun
        during = server.rss_mib()
    print(f"  handshakes {hands.done.value}, dear searches {searches.done.value}, junk acknowledgements "
          f"{junk.done.value} of 2,000 heads, accounts made {people.done.value}")
    print(f"  SENT quiet: {show(quiet)}; besieged: {show(besieged)}")
    judge(quantile(besieged, .5) <= 2 * quantile(quiet, .5) + GRACE_S / 4, "SENT p50 is at most twice the quiet one")
    judge(len(found.search_page.hits) == 1,
          f"an honest search is answered: {k.code_of(found)} in {waited * 1e3:.0f} ms")
    judge(people.done.value <= 110, f"{people.done.value} accounts were made from one address")
    judge(during <= before + RSS_BOUND_MIB, f"RSS {before:.0f} -> {during:.0f} MiB")
    judge(server.end() == 0, "kithd ends well")


def floods():
    """Each alone, signed in where it says so: measures its memory, and whether an honest message gets through."""
    print("(c) floods", flush=True)
    server = k.Server(KITHD, "--plain", "--accounts", "--password-cost", "10")
    ann, bob = (k.Person(server, handle, HONEST).up() for handle in ("ann", "bob"))
    ann.say("bob", "first")
    member = [random.randbytes(16) for _ in range(3000)]

    def frames(count, **body):
        return k.Wire.pack(S["frame"].ClientFrame(**body).SerializeToString()) * count
    kinds = {
        "Ping": frames(2000, req_id=5, ping=S["session"].Ping(t=1)),
        "Ping without Hello": frames(2000, ping=S["session"].Ping(t=1)),
        "refused requests of 48 KB": frames(8, req_id=5, create_conversation=S["conversation"].CreateConversation(
            members=member)),
        "3,500 contacts": frames(4, req_id=5, update_contacts=S["user"].UpdateContacts(add=member)),
        "lookups": frames(200, req_id=5, get_users=S["user"].GetUsers(handles=[f"name{n}" for n in range(100)])),
        "no Protobuf": k.Wire.pack(b"\xff\xff\xff") * 10,
    }
    for name, chunk in kinds.items():
        person = k.Person(server, "flood-" + name.lower().replace(" ", "-"), ATTACKER)
        person.open().register()
        person.wire.close()
        account = None if "without" in name else (person.token, person.device)
        before, cpu, begun = server.rss_mib(), server.cpu_s(), time.monotonic()
        with Attack(flood, server.port, None, account, chunk, 2) as attack:
            times = messages((ann, bob), SECONDS / 2)
            during = server.rss_mib()
            share = (server.cpu_s() - cpu) / (time.monotonic() - begun)
        print(f"  {name}: {attack.done.value} chunks taken, CPU {share * 100:.0f} %, SENT {show(times)}")
        judge(times and quantile(times, .5) < 0.5 + GRACE_S, f"{name}: honest messages get through")
        judge(during <= before + RSS_BOUND_MIB, f"{name}: RSS {before:.0f} -> {during:.0f} MiB")
    sessions = slow_sessions(server, 4, 75)
    before = server.rss_mib()
    with Attack(read_nothing, server.port, sessions) as attack:
        times = messages((ann, bob), SECONDS)
        during = server.rss_mib()
    print(f"  {len(sessions)} sessions read nothing: {attack.done.value} chunks taken, SENT {show(times)}")
    judge(times and quantile(times, .5) < 0.5 + GRACE_S, "slow readers: honest messages get through")
    judge(during <= before + RSS_BOUND_MIB, f"slow readers: RSS {before:.0f} -> {during:.0f} MiB")
    judge(server.end() == 0, "kithd ends well")


def half_frames():
    """Nobody has signed in, and each stops in the middle of a frame of the largest size."""
    print("(d) connections that stop in the middle", flush=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = k.Server(KITHD, "--plain", "--accounts", "--password-cost", "10")
    before, wires = server.rss_mib(), []
    half = k.Wire.pack(b"x" * 65536)[:-500]
    for _ in range(min(1500, most - 200)):
        wires.append(k.Wire(server.port, ATTACKER))
        try:
            wires[-1].raw(half)
        except OSError:
            pass
    honest = k.Person(server, "honest", HONEST).up()
    during = server.rss_mib()
    judge(k.code_of(honest.wire.ask(ping=S["session"].Ping(t=1))) == "pong", "somebody honest is answered")
    judge(during <= before + RSS_BOUND_MIB, f"{len(wires)} half frames: RSS {before:.0f} -> {during:.0f} MiB")
    for wire in wires:
        wire.close()
    judge(server.end() == 0, "kithd ends well")


def slow_sessions(server, accounts, devices):
    """Devices of accounts that each have a history of some 300 KB, as (token, device, group)."""
    sessions = []
    body = S["send"].Content(plain=S["send"].Plain(text="x" * 8000)).SerializeToString()
    for n in range(accounts):
        person = k.Person(server, f"slow{n}", ATTACKER).up()
        group = uuid.uuid4().bytes
        person.wire.ask(create_conversation=S["conversation"].CreateConversation(
            conversation_id=group, command_id=k.uuid7(), title="history"))
        for _ in range(10):
            items = [S["send"].OutMessage(message_id=k.uuid7(), content=body) for _ in range(4)]
            person.wire.ask(send=S["send"].SendBatch(conversation_id=group, items=items))
        person.wire.close()
        for _ in range(devices):
            other = k.Person(server, person.handle, ATTACKER).open()
            token = other.sign_in().signed_in.access_token
            other.wire.close()
            sessions.append((token, other.device, group))
    return sessions


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    begun = time.monotonic()
    try:
        siege_of_passwords()
        siege_of_everything()
        floods()
        half_frames()
    finally:
        k.clean_up()
    print(f"siege: {len(faults)} broken in {time.monotonic() - begun:.0f} s")
    sys.exit(1 if faults else 0)
