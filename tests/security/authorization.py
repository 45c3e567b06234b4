"""Every request, by everybody who might make it, with the one answer that they may get.

usage: authorization.py KITHD PROTO_DIR PROTOC
"""
import os
import socket
import sys

import kith_wire as k

KITHD, PROTO_DIR, PROTOC = sys.argv[1:4]
S = k.load_schema(PROTO_DIR, PROTOC)
ADD, REMOVE, LEAVE, SET_ROLE = 1, 2, 3, 4
MEMBER, ADMIN, OWNER = 1, 2, 3
NOBODY = 3
passed, failed = 0, []


def check(ok, what, seen=""):
    global passed
    if ok:
        passed += 1
    else:
        failed.append(what)
        print(f"  WRONG: {what}: {' '.join(str(seen).split())[:300]}", flush=True)


def random_id():
    made = bytearray(os.urandom(16))
    made[6], made[8] = 0x40 | made[6] & 0x0F, 0x80 | made[8] & 0x3F
    return bytes(made)


def told(answer):
    """All that an answer tells, but for the number of its request: equal for what must not be told apart."""
    copy = S["frame"].ServerFrame()
    copy.CopyFrom(answer)
    copy.reply_to = 0
    return copy.SerializeToString(deterministic=True)


def outcome_of(answer):
    """Returns "placed" for a sent message, or the error's name."""
    if not answer.HasField("send_result"):
        return k.code_of(answer)
    item = answer.send_result.items[0]
    return "placed" if item.HasField("placed") else (
        S["session"].ErrorCode.Name(item.error.code).removeprefix("ERROR_CODE_"))


class Person(k.Person):
    """One device of one account, and what it can ask."""

    def __init__(self, server, handle):
        super().__init__(server, handle)
        self.id = k.user_id(handle)

    def up(self):
        self.open()
        self.register()
        self.ticket = self.hello().welcome.resume_ticket
        return self

    def ask(self, **body):
        return self.wire.ask(**body)

    def register_as(self, handle):
        return self.ask(register=dict(handle=handle, password=k.PASSWORD, device_id=self.device))

    def send(self, conversation, text, peer=b"", **item):
        body = S["send"].Content(plain=S["send"].Plain(text=text)).SerializeToString()
        return self.ask(send=dict(conversation_id=conversation, direct_peer=peer,
                                  items=[dict(message_id=random_id(), content=body, **item)]))

    def dm(self, peer, text):
        return self.send(k.direct_id(self.handle, peer), text, k.user_id(peer))

    def create(self, members, group=None, title="group"):
        group = group or random_id()
        return group, self.ask(create_conversation=dict(
            conversation_id=group, command_id=random_id(), title=title, members=[k.user_id(m) for m in members]))

    def change(self, group, kind, users=(), role=0):
        return self.ask(member_change=dict(conversation_id=group, command_id=random_id(), kind=kind,
                                           users=[k.user_id(u) for u in users], role=role))

    def pushed(self, kind):
        """The pushes of a kind until now: a Ping's answer comes behind them."""
        self.ask(ping=dict(t=1))
        found = [getattr(p, kind) for p in self.wire.pushes if p.HasField(kind)]
        self.wire.pushes = [p for p in self.wire.pushes if not p.HasField(kind)]
        return found

    def bodies(self):
        """Returns the messages that were pushed to this device."""
        return b" ".join(e.body for push in self.pushed("event_push") for e in push.events)

    def state(self, conversation):
        page = self.ask(sync=dict(snapshot=True)).sync_page
        return next((s for s in page.changed if s.conversation_id == conversation), None)

    def closed_with(self):
        """The reason for which the server closes this connection, or None."""
        try:
            while True:
                self.wire.next(15)
        except k.Closed as closed:
            return str(closed)
        except socket.timeout:
            return None


def requests_in(group, target):
    """Every request that names a conversation, as (name, call)."""
    return [
        ("SendBatch", lambda p: p.send(group, "text")),
        ("SendBatch that answers", lambda p: p.send(group, "text", reply_to_seq=1)),
        ("MarkRead", lambda p: p.ask(mark_read=dict(conversation_id=group, upto_seq=1))),
        ("GetEvents", lambda p: p.ask(get_events={"conversation_id": group, "from": 1})),
        ("GetReaders", lambda p: p.ask(get_readers=dict(conversation_id=group, seq=1))),
        ("GetMembers", lambda p: p.ask(get_members=dict(conversation_id=group))),
        ("SearchMessages", lambda p: p.ask(search=dict(query="zebra", conversation_id=group))),
        ("UpdateMeta", lambda p: p.ask(update_meta=dict(conversation_id=group, command_id=random_id(), title="t"))),
        ("ADD", lambda p: p.change(group, ADD, [target])),
        ("REMOVE", lambda p: p.change(group, REMOVE, [target])),
        ("SET_ROLE", lambda p: p.change(group, SET_ROLE, [target], ADMIN)),
        ("LEAVE", lambda p: p.change(group, LEAVE)),
    ]


def before_hello(server):
    """Without Hello nothing is answered but the ways in; the connection ends."""
    group = random_id()
    named = dict(conversation_id=group)
    bodies = dict(
        send=dict(conversation_id=group, items=[dict(message_id=random_id(), content=b"\n\x03\n\x01x")]),
        ack_events=dict(upto=[dict(conversation_id=group, seq=1)]), mark_read=dict(conversation_id=group, upto_seq=1),
        sync={}, get_events=named, get_readers=dict(conversation_id=group, seq=1),
        set_typing=dict(conversation_id=group, activity=2), set_presence=dict(active=True),
        presence_subscribe=dict(add=[k.user_id("olga")]),
        create_conversation=dict(conversation_id=group, command_id=random_id()),
        member_change=dict(conversation_id=group, command_id=random_id(), kind=LEAVE),
        update_meta=dict(conversation_id=group, command_id=random_id(), title="t"), get_members=named,
        update_settings=dict(settings={}), update_contacts={}, get_users=dict(handles=["olga"]), get_devices={},
        revoke_device={}, update_profile=dict(display_name="n"), search=dict(query="zebra"),
        renew_token=dict(access_token=b"t"), delete_account=dict(password="correct horse"),
        change_password=dict(old_password="correct horse", new_password="another horse"))
    for name, body in bodies.items():
        person = Person(server, "nobody-yet").open()
        answer = person.ask(**{name: body})
        check(k.code_of(answer) == "PROTOCOL", f"{name} before Hello", answer)
        check(person.closed_with() == "close 4400", f"{name} before Hello closes with 4400")
        person.wire.close()


def in_a_group(server, people):
    owner, former, stranger = people["olga"], people["fred"], people["stan"]
    group, answer = owner.create(["sven", "mona", "fred", "tara"])
    check(answer.HasField("placed"), "a group is made", answer)
    owner.change(group, SET_ROLE, ["sven"], ADMIN)
    owner.send(group, "zebra one")
    former.change(group, LEAVE)
    owner.send(group, "zebra two")
    owner.dm("mona", "zebra private")

    # A group that exists and one that does not are the same to a stranger; so are other people's 1:1s.
    for real, unreal in ((group, random_id()), (k.direct_id("olga", "mona"), k.direct_id("sven", "tara"))):
        for (name, ask), (_, same) in zip(requests_in(real, "tara"), requests_in(unreal, "tara")):
            seen, other = ask(stranger), same(stranger)
            check(told(seen) == told(other), f"stranger, {name}: one answer, whether it is there or not", (seen, other))
            empty = name == "SearchMessages" and not seen.search_page.hits
            check(empty or outcome_of(seen) not in ("placed", "ack", "events_page", "readers_page", "members_page"),
                  f"stranger, {name}: refused", seen)

    for name, ask in requests_in(group, "tara"):
        answer = ask(former)
        past = name in ("GetEvents", "SearchMessages", "GetMembers", "GetReaders")  # theirs, as it was
        check(past or outcome_of(answer) == "NOT_MEMBER", f"former member, {name}", answer)
        check(b"zebra two" not in answer.SerializeToString(), f"former member, {name}: nothing said later", answer)
    seen = former.state(group)
    owner.ask(update_meta=dict(conversation_id=group, command_id=random_id(), title="later"))
    owner.send(group, "zebra three")
    owner.ask(mark_read=dict(conversation_id=group, upto_seq=100))
    check(seen == former.state(group), "former member: the state is that of the leaving", former.state(group))

    denied = {"mona": {"UpdateMeta", "ADD", "REMOVE", "SET_ROLE"}, "sven": {"SET_ROLE"}, "olga": set()}
    for who, refused in denied.items():
        for name, ask in requests_in(group, "tara"):
            if name == "LEAVE":
                continue
            owner.change(group, ADD, ["tara"])
            owner.change(group, SET_ROLE, ["tara"], MEMBER)
            code = outcome_of(ask(people[who]))
            ok = code == "PERMISSION_DENIED" if name in refused else code not in ("PERMISSION_DENIED", "NOT_MEMBER")
            check(ok, f"{who}, {name}: {'refused' if name in refused else 'allowed'}", code)
    for who, whom in (("mona", "olga"), ("sven", "olga"), ("mona", "sven")):
        code = k.code_of(people[who].change(group, REMOVE, [whom]))
        check(code == "PERMISSION_DENIED", f"{who} removes {whom}", code)
    code = k.code_of(people["mona"].change(group, SET_ROLE, ["mona"], OWNER))
    check(code == "PERMISSION_DENIED", "a member makes himself owner", code)


def identity(people):
    owner, stranger = people["olga"], people["stan"]
    future = k.direct_id("olga", "tara")
    for group, members in ((future, ["olga", "tara"]), (future, []), (k.direct_id("stan", "olga"), ["olga"])):
        _, answer = stranger.create(members, group)
        check(answer.HasField("error"), "a group under the id of a 1:1 is refused", answer)
    for wrong in (k.uuid7(), bytes(16), b"\xff" * 16):
        _, answer = stranger.create([], wrong)
        check(answer.HasField("error"), "a group's id is a random UUID", answer)
    check(outcome_of(owner.dm("tara", "the first message")) == "placed", "the two can talk")
    answer = stranger.send(random_id(), "text", peer=owner.id)
    check(outcome_of(answer) == "INVALID_ARGUMENT", "direct_peer belongs to its 1:1 only", answer)
    answer = stranger.dm("stan", "to myself")
    check(outcome_of(answer) != "placed", "nobody has a 1:1 with themselves", answer)
    unknown = sorted([k.user_id("not-there-1"), k.user_id("not-there-2")])
    _, answer = owner.create(["mona", "not-there-1", "not-there-2"])
    check(sorted(answer.error.users) == unknown, "unknown members are refused, all by name", answer)
    group, _ = owner.create(["mona"])
    answer = owner.change(group, ADD, ["tara", "not-there-2", "not-there-1"])
    check(sorted(answer.error.users) == unknown, "and when they are added", answer)


def ways_in(server, people):
    owner = people["olga"]
    other = Person(server, "olga").open()
    for auth in (dict(access_token=owner.token), dict(resume_ticket=owner.ticket)):
        answer = other.ask(hello=dict(major=1, device_id=other.device, **auth))
        check(k.code_of(answer) == "UNAUTHENTICATED", f"another device's {[*auth][0]}", answer)
    lost = Person(server, "olga").open()
    lost.token = lost.sign_in().signed_in.access_token
    ticket = lost.hello().welcome.resume_ticket
    owner.ask(revoke_device=dict(device_id=lost.device))
    check(lost.closed_with() == "close 4401", "a revoked device is disconnected")
    for auth in (dict(access_token=lost.token), dict(resume_ticket=ticket)):
        lost.open()
        code = k.code_of(lost.ask(hello=dict(major=1, device_id=lost.device, **auth)))
        check(code in ("REVOKED", "UNAUTHENTICATED"), f"a revoked device stays out with its {[*auth][0]}", code)


def consent(server):
    """A block and the setting `nobody` answer alike."""
    blocker, closed, pest, friend = (Person(server, n).up() for n in ("blocker", "closed", "pest", "friend"))
    blocker.ask(update_contacts=dict(block=[pest.id]))
    closed.ask(update_settings=dict(settings=dict(online=NOBODY, last_seen=NOBODY, group_adds=NOBODY,
                                                  first_messages=NOBODY)))
    answers = {}
    for who in ("blocker", "closed"):
        def alike(answer):
            return k.code_of(answer), answer.error.detail, answer.error.retryable, len(answer.error.users)
        first, second = pest.dm(who, "unheard one"), pest.dm(who, "unheard two")
        mine, _ = pest.create([])
        pest.wire.post(presence_subscribe=dict(add=[k.user_id(who)]))
        answers[who] = {
            "messages": [(outcome_of(a), len(a.SerializeToString())) for a in (first, second)],
            "a new group": alike(pest.create([who])[1]), "an addition": alike(pest.change(mine, ADD, [who])),
            "presence": [(p.state, p.last_seen_ms) for p in pest.pushed("presence_push")]}
    for what, seen in answers["blocker"].items():
        check(seen == answers["closed"][what], f"a block and `nobody` are alike: {what}", answers)
    for person in (blocker, closed):
        page = person.ask(sync=dict(snapshot=True)).sync_page
        check(not [s for s in page.changed if s.type == S["conversation"].CONVERSATION_TYPE_GROUP],
              "nobody is put into a group against their will", page)
        check(b"unheard" not in person.bodies(), "nor hears of what was said")
    # A 1:1 that is older than the block goes on for the one who is blocked.
    friend.dm("pest", "hello")
    before = pest.dm("friend", "before").send_result.items[0].placed.ordinal
    friend.ask(update_contacts=dict(block=[pest.id]))
    friend.bodies()
    ordinals = [pest.dm("friend", f"unheard {i}").send_result.items[0].placed.ordinal for i in range(2)]
    check(ordinals == [before + 1, before + 2], "ordinals go on as if nothing were", (before, ordinals))
    check(b"unheard" not in friend.bodies(), "the one who blocks hears nothing")
    seen = pest.state(k.direct_id("pest", "friend"))
    check(seen.last_ordinal == ordinals[-1], "nor does the state of the conversation tell it", seen)


def receipts_off(server):
    shy, watcher = Person(server, "shy").up(), Person(server, "watcher").up()
    shy.ask(update_settings=dict(settings=dict(receipts_off=True)))
    room = k.direct_id("shy", "watcher")
    for i in range(3):
        watcher.dm("shy", f"message {i}")
    shy.dm("watcher", "an answer without reading")
    seen = watcher.state(room)
    check(seen.read_all_seq == 0 and seen.read_any_seq == 0, "receipts are off from the first message on", seen)
    marks = [s for push in watcher.pushed("receipt_push") for s in push.states]
    check(all(m.read_all_seq == 0 and m.read_any_seq == 0 for m in marks), "and in every push", marks)
    page = watcher.ask(get_events={"conversation_id": room, "from": 1}).events_page
    theirs = [e for e in page.events if e.sender == shy.id]
    check(theirs and shy.device not in page.SerializeToString(), "other people's device ids are not told", page)
    check(not any(getattr(e, "client_ts_ms", 0) for e in theirs), "nor their clocks", page)


def handles(server):
    for handle in ("admin", "root", "system", "ali\u200bce", "\u202eecila", "\u0430lice", "@alice", "#alice", " alice",
                   "alice ", "a\nb", "\u009b31m", "a\u2028b", ""):
        person = Person(server, handle).open()
        answer = person.register_as(handle)
        check(answer.HasField("error"), f"the handle {handle!r} is refused", answer)
        person.wire.close()
    Person(server, "alice").up()
    for handle in ("ALICE", "Alice", "\uff41lice"):
        person = Person(server, handle).open()
        answer = person.register_as(handle)
        check(k.code_of(answer) == "ALREADY_EXISTS", f"{handle!r} is alice, who is there already", answer)
        person.wire.close()


def main():
    server = k.Server(KITHD, "--plain", "--accounts", "--password-cost", "10")
    try:
        before_hello(server)
        people = {n: Person(server, n).up() for n in ("olga", "sven", "mona", "fred", "stan", "tara")}
        in_a_group(server, people)
        identity(people)
        ways_in(server, people)
        consent(server)
        receipts_off(server)
        handles(server)
    finally:
        status = server.end()
        log = server.log()
        k.clean_up()
    check(status == 0, "the server ends well", (status, log[-500:]))
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


sys.exit(main())
