"""kith as its users see it: the line mode in pipes, and the full screen in tmux at 80x24 and 40x12.

Usage: terminal_test.py DIRECTORY_OF_KITHD_AND_KITH
"""

import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.path.abspath(sys.argv.pop(1))
WIDE = "田中太郎山田花子"
EVIL = ("hi \x1b]0;owned\x07\x1b]52;c;cm0gLXJm\x07\x1b[2J\x1b[8mhidden \u009b31m end\r\x1b[K"
        "2026-01-01 00:00  bob: send me the key")
FORGED = "ok\n2026-01-01 00:01  bob: I am bob\u20282026-01-01 00:02  bob: yes"


def until(fact, seconds=20):
    """Polls; tells whether it became true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.05)
    return bool(fact())


class Server:
    """A kithd of its own, with some people."""

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix="kith-terminal-")
        self.env = {**os.environ, "KITH_PASSWORD": "a password of theirs", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self.kithd = subprocess.Popen(
            [f"{BIN}/kithd", "--dev", "--plain", "--data", f"{self.work}/data", "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.env)
        for line in self.kithd.stdout:
            if match := re.search(r"listening on (ws://\S+)", line):
                self.url = match.group(1)
                break
        else:
            raise RuntimeError("kithd did not start")

    def close(self):
        self.kithd.send_signal(signal.SIGTERM)
        self.kithd.wait(20)
        self.kithd.stdout.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def home(self, who):
        return f"{self.work}/{who}"

    def kith(self, who, *words, **more):
        return subprocess.run([f"{BIN}/kith", "--home", self.home(who), *words], capture_output=True, timeout=60,
                              env=self.env, **more)

    def out(self, who, *words):
        """Returns the output of a command, which must succeed."""
        done = self.kith(who, *words)
        if done.returncode != 0:
            raise AssertionError(f"kith {' '.join(words)}: {done.returncode} {done.stderr.decode()}")
        return done.stdout.decode()

    def join(self, *people):
        for who in people:
            self.out(who, "register", "--url", self.url, "--handle", who)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.join(*cls.people)

    people = ("alice", "bob", "mallory")


class LineMode(Case):
    def test_nothing_from_outside_steers_the_terminal(self):
        s = self.server
        s.out("mallory", "send", "alice", EVIL)
        s.out("mallory", "send", "alice", FORGED)
        s.out("mallory", "group", "x] 2026-01-01 00:00  bob: x", "alice")
        for words in (["history", "mallory"], ["list"], ["search", "hidden"], ["history", "mallory", "--json"],
                      ["list", "--json"], ["members", "mallory"]):
            done = s.kith("alice", *words)
            text = (done.stdout + done.stderr).decode()
            self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", words)
            for line in text.splitlines():
                self.assertNotRegex(line, "^2026-01-01", words)
        for line in s.out("alice", "history", "mallory", "--json").splitlines():
            json.loads(line)
        texts = [json.loads(line)["text"] for line in s.out("alice", "history", "mallory", "--json").splitlines()]
        self.assertIn(EVIL, texts)
        self.assertIn(FORGED, texts)

    def test_a_title_never_decides_who_receives(self):
        s = self.server
        s.out("mallory", "group", "bob", "alice")
        s.out("alice", "list")
        s.out("alice", "send", "bob", "for bob alone")
        self.assertIn("for bob alone", s.out("bob", "history", "alice"))
        self.assertNotIn("for bob alone", s.out("mallory", "list"))
        first = s.out("alice", "group", "plans", "bob").strip()
        second = s.out("mallory", "group", "plans", "alice").strip()
        s.out("alice", "list")
        s.out("alice", "send", "#plans", "ours")  # made here, so it is the one that is meant
        self.assertIn("ours", s.out("alice", "history", first))
        s.out("bob", "group", "plans", "mallory")
        s.out("bob", "list")
        refused = s.kith("bob", "history", "#party")
        self.assertEqual(refused.returncode, 1)
        third = s.out("mallory", "group", "plans", "bob").strip()
        os.remove(f"{s.home('bob')}/groups")
        refused = s.kith("bob", "send", "#plans", "which?")
        self.assertEqual(refused.returncode, 2)
        for group in (first, third):
            self.assertIn(group, refused.stderr.decode())
        self.assertNotIn(second, refused.stderr.decode())

    def test_people_that_do_not_exist_are_refused_by_name(self):
        done = self.server.kith("alice", "group", "typo", "bob", "caroll", "dav")
        self.assertEqual(done.returncode, 1)
        self.assertIn("caroll, dav", done.stderr.decode())

    def test_a_refused_group_is_not_kept_and_says_who_is_in_the_way(self):
        s = self.server
        s.join("shy", "coy")
        for who in ("shy", "coy"):
            s.out(who, "privacy", "group-adds", "nobody")
        sentence = "You may not add these people to a group: shy, coy. [PERMISSION_DENIED]"
        done = s.kith("alice", "group", "crowd", "shy", "bob", "coy")
        self.assertEqual((done.returncode, done.stderr.decode()), (1, f"kith: {sentence}\n"))
        s.out("alice", "group", "quiet", "bob")
        done = s.kith("alice", "add", "#quiet", "shy", "mallory", "coy")
        self.assertEqual((done.returncode, done.stderr.decode()), (1, f"kith: {sentence}\n"))
        self.assertNotIn("mallory", s.out("alice", "members", "#quiet"))
        offline = s.kith("alice", "group", "later", "bob", "shy", "nosuchone", "--url", "ws://127.0.0.1:1/v1/ws")
        self.assertEqual(offline.returncode, 4)
        sent = s.kith("alice", "send", "--url", "ws://127.0.0.1:1/v1/ws", "#later", "hello")
        self.assertEqual(sent.returncode, 4, sent.stderr)
        told = ""
        for _ in range(20):  # a command may have its own answer before the group has
            told += s.kith("alice", "members", "#quiet").stderr.decode()
            if "The group #later" in told:
                break
        self.assertIn("The group #later was refused and is not kept.", told)
        self.assertRegex(told, "nosuchone|user-")
        again = s.kith("alice", "list")
        self.assertEqual(again.stderr, b"")
        for title in ("#crowd", "#later"):
            self.assertNotIn(title, again.stdout.decode())

    def test_members_have_names(self):
        s = self.server
        s.join("carol")
        s.out("carol", "group", "crew", "alice", "mallory")
        s.out("carol", "send", "#crew", "hi, carol here")
        s.out("mallory", "send", "#crew", "and mallory")
        history = s.out("alice", "history", "#crew")
        self.assertIn('* carol created the group "crew"', history)  # though nobody was known before
        self.assertIn("carol: hi, carol here", history)
        for who in ("frank", "gina", "hugo"):  # known to this home by what is typed, and to the client by nobody
            s.join(who)
            s.out(who, "send", "alice", "hello")
            self.assertIn(f"* {who} started the conversation", s.out("alice", "history", who))
        self.assertIn("mallory: and mallory", history)
        self.assertEqual(sorted(line.split()[0] for line in s.out("alice", "members", "#crew").splitlines()),
                         ["alice", "carol", "mallory"])

    def test_output_that_is_lost_is_an_error(self):
        s = self.server
        s.out("alice", "send", "bob", "one")
        for words in (["list"], ["history", "bob"], ["history", "bob", "--json"], ["--help"], ["--version"],
                      ["send", "bob", "two"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([f"{BIN}/kith", "--home", s.home("alice"), *words], stdout=full,
                                      stderr=subprocess.PIPE, env=s.env, timeout=60)
            self.assertEqual(done.returncode, 5, words)
            self.assertIn("DISK_FULL", done.stderr.decode())
        closed = subprocess.run(["sh", "-c", '"$0" --home "$1" list >&-', f"{BIN}/kith", s.home("alice")],
                                stderr=subprocess.PIPE, env=s.env, timeout=60)
        self.assertEqual(closed.returncode, 5)

    def test_a_terminal_that_cannot_be_drawn_on_is_refused(self):
        s = self.server
        for term in ("dumb", "nonsense", ""):
            ours, theirs = pty.openpty()
            done = subprocess.run([f"{BIN}/kith", "--home", s.home("alice")], stdin=theirs, stdout=theirs,
                                  stderr=subprocess.PIPE, env={**s.env, "TERM": term}, timeout=60)
            os.close(ours)
            os.close(theirs)
            self.assertEqual(done.returncode, 2, term)
            self.assertIn("TERM", done.stderr.decode())

    def test_exit_statuses(self):
        s = self.server
        self.assertEqual(s.kith("alice", "send", "nobodyhere", "x").returncode, 1)
        self.assertEqual(s.kith("alice", "send", "alice", "x").returncode, 2)
        self.assertEqual(s.kith("alice", "send", "bob", "").returncode, 2)
        self.assertEqual(s.kith("alice", "frobnicate").returncode, 2)
        self.assertEqual(s.kith("nobody", "list").returncode, 3)
        scheme = s.kith("zed", "register", "--handle", "zed", "--url", s.url.replace("ws:", "wss:"))
        self.assertIn("begins with ws://", scheme.stderr.decode())
        for words in (["leave", "bob"], ["add", "bob", "mallory"], ["rename", "bob", "x"],
                      ["role", "bob", "bob", "admin"], ["remove", "bob", "mallory"]):
            done = s.kith("alice", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("bob is a person and no group", done.stderr.decode())
        for words in (["group", "", "bob"], ["rename", "#x", ""], ["name", ""], ["block", "alice"],
                      ["contact", "@alice"]):
            self.assertEqual(s.kith("alice", *words).returncode, 2, words)
        silent = s.kith("alice", "history", "mallory-never-met")
        self.assertEqual(silent.returncode, 0)
        self.assertIn("nothing was said with mallory-never-met", silent.stderr.decode())
        offline = s.kith("alice", "send", "--url", "ws://127.0.0.1:1/v1/ws", "bob", "later")
        self.assertEqual(offline.returncode, 4)

    def test_commands_for_people_and_groups(self):
        s = self.server
        s.join("dora")
        s.out("alice", "group", "club", "bob")
        s.out("alice", "add", "#club", "dora")
        s.out("alice", "role", "#club", "dora", "admin")
        self.assertIn("dora  admin", s.out("alice", "members", "#club"))
        s.out("alice", "remove", "#club", "bob")
        self.assertNotIn("bob", s.out("alice", "members", "#club"))
        s.out("dora", "leave", "#club")
        s.out("alice", "rename", "#club", "society")
        self.assertIn("#society", s.out("alice", "list"))
        s.out("alice", "block", "dora")
        self.assertEqual(s.out("alice", "block"), "dora\n")
        s.out("alice", "unblock", "@dora")
        self.assertEqual(s.out("alice", "block"), "")
        s.out("alice", "privacy", "last-seen", "nobody")
        self.assertIn("last-seen nobody", s.out("alice", "privacy"))
        s.out("alice", "name", "Alice L.")
        self.assertIn("(this device)", s.out("alice", "devices"))
        s.out("alice", "send", "bob", "read me")
        seq = json.loads(s.out("alice", "history", "bob", "--limit", "1", "--json"))["seq"]
        s.out("bob", "read", "alice")
        self.assertTrue(until(lambda: "bob  read" in s.out("alice", "info", "bob", str(seq))))

    def test_a_tail_ends_with_its_reader_and_acknowledges_what_it_printed(self):
        s = self.server
        s.join("reader", "writer")
        s.out("writer", "send", "reader", "first")
        tail = subprocess.Popen([f"{BIN}/kith", "--home", s.home("reader"), "tail", "--json"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=s.env)
        for line in tail.stdout:
            if json.loads(line)["text"] == "first":
                break
        tail.stdout.close()
        self.assertEqual(tail.wait(20), 5)
        tail.stderr.close()
        s.out("writer", "send", "reader", "nobody reads")
        last = s.out("writer", "history", "reader", "--limit", "1")
        self.assertTrue(last.endswith("nobody reads ✓\n"), last)
        again = subprocess.Popen([f"{BIN}/kith", "--home", s.home("reader"), "tail", "--json"],
                                 stdout=subprocess.PIPE, env=s.env)
        self.assertEqual(json.loads(again.stdout.readline())["text"], "nobody reads")
        self.assertTrue(until(lambda: "✓✓" in s.out("writer", "history", "reader", "--limit", "1")))
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait(20), 0)
        again.stdout.close()

    def test_the_home_is_its_owners_alone(self):
        for directory, _, files in os.walk(self.server.home("alice")):
            self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700, directory)
            for name in files:
                self.assertEqual(stat.S_IMODE(os.stat(f"{directory}/{name}").st_mode), 0o600, name)


class FullScreen(Case):
    people = ("alice", "bob", WIDE, "shy")
    columns, rows = 80, 24

    def tmux(self, *words, **more):
        return subprocess.run(["tmux", "-u", "-L", self.socket, *words], capture_output=True, text=True, check=True,
                              env=self.server.env, timeout=30, **more).stdout

    def setUp(self):
        s = self.server
        self.socket = f"kith-test-{os.getpid()}-{self.columns}"
        s.out(WIDE, "send", "alice", "x" * 150 + " end")
        s.out("bob", "send", "alice", "A\u200bB\u202eC\u202cD\ufe0fE end")
        s.out("bob", "send", "alice", "שלום עולם\n12:00 alice forged")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(self.columns), "-y", str(self.rows),
                  f"'{BIN}/kith' --home '{s.home('alice')}'")
        self.addCleanup(subprocess.run, ["tmux", "-L", self.socket, "kill-server"], capture_output=True)
        self.wait_for("shows more.")
        self.keys("C-l")  # any key takes the greeting away
        self.wait_for("online · /help")

    def text(self):
        return self.tmux("capture-pane", "-p")

    def wait_for(self, *parts):
        shown = until(lambda: all(part in self.text() for part in parts))
        self.assertTrue(shown, f"{parts} not on the screen:\n{self.text()}")
        return self.text()

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def talk_to(self, who):
        self.type(f"/to {who}")
        self.keys("Enter")
        self.wait_for(f"{who} ")

    def test_wide_and_right_to_left_text_keep_the_columns(self):
        self.talk_to("bob")
        text = self.wait_for("ABCDE end", "שלום עולם")
        self.assertNotIn("\u202e", text)
        forged = next(line for line in text.split("\n") if "forged" in line and "┌" not in line)
        self.assertTrue(forged.split("│")[-1].lstrip(" ").startswith("12:00"), forged)
        self.assertRegex(forged, r" {8}12:00")  # where no time stands
        if self.columns >= 60:  # the border is straight beside wide names
            for line in text.split("\n")[: self.rows - 2]:
                cells = sum(2 if ord(c) > 0x2e80 else 1 for c in line.split("│")[0])
                self.assertEqual(cells, 24, line)

    def test_a_paste_is_one_message_and_nothing_in_it_is_obeyed(self):
        self.talk_to("bob")
        mark = f"pasted {self.columns}"
        self.tmux("load-buffer", "-", input=f"{mark}\nsecond line\n/to {WIDE}\n/quit\n")
        self.tmux("paste-buffer", "-p")
        self.wait_for("/quit")
        self.keys("Enter")
        s = self.server
        self.wait_for("✓")
        self.assertTrue(until(lambda: mark in s.out("bob", "history", "alice", "--json")))
        last = json.loads(s.out("bob", "history", "alice", "--json", "--limit", "1"))
        self.assertEqual(last["text"], f"{mark}\nsecond line\n/to {WIDE}\n/quit")
        self.assertNotIn(mark, s.out(WIDE, "history", "alice"))

    def test_a_pasted_command_is_text(self):
        self.talk_to("bob")
        self.tmux("set-buffer", "/quit")
        self.tmux("paste-buffer", "-p")
        self.wait_for("> /quit")
        self.keys("Enter")
        self.assertTrue(until(lambda: json.loads(
            self.server.out("bob", "history", "alice", "--json", "--limit", "1"))["text"] == "/quit"))

    def test_lines_are_typed_and_unknown_keys_do_nothing(self):
        self.talk_to("bob")
        self.type("one")
        self.keys("F7", "C-F3", "M-x", "S-F9", "C-Up", "M-z")
        self.keys("M-Enter")
        self.type("two")
        self.keys("C-j")
        self.type("three")
        text = self.wait_for("three")
        self.keys("Enter")
        self.assertTrue(until(lambda: json.loads(
            self.server.out("bob", "history", "alice", "--json", "--limit", "1"))["text"] == "one\ntwo\nthree"), text)

    def test_a_selected_message_is_answered(self):
        self.talk_to("bob")
        self.wait_for("forged")
        self.keys("C-p")
        self.wait_for("Enter answers it")
        self.type("an answer")
        self.keys("Enter")
        self.wait_for("┌ ", "an answer")
        said = json.loads(self.server.out("bob", "history", "alice", "--json", "--limit", "1"))
        self.assertEqual(said["text"], "an answer")
        self.assertTrue(said["reply_to"])

    def test_what_is_begun_stays_with_its_conversation(self):
        self.talk_to("bob")
        self.type("for bob alone")
        self.wait_for("> for bob alone")
        self.keys("M-2")
        self.wait_for(f"{WIDE} ")
        self.assertTrue(until(lambda: re.search(r"^> *$", self.text(), re.M)), self.text())
        self.keys("M-1")
        self.wait_for("> for bob alone")
        self.keys("C-a", "C-k")
        self.assertTrue(until(lambda: re.search(r"^> *$", self.text(), re.M)), self.text())
        self.keys("C-y")
        self.wait_for("> for bob alone")
        self.keys("C-u")
        self.type("/mem")
        self.keys("Tab")
        self.wait_for("> /members")
        self.keys("C-u")
        self.type("/info 1")
        self.keys("Enter")  # refused: it stays
        self.wait_for("> /info 1", "nothing behind it")
        self.keys("C-u")
        self.type("/unblock nobodyhere")
        self.keys("Enter")
        self.wait_for("Nobody is called nobodyhere.")
        self.keys("C-r")
        self.wait_for("> /unblock nobodyhere")

    def test_who_is_signed_out_is_told_at_once(self):
        s = self.server
        who = f"gone{self.columns}"
        s.join(who)
        s.out(who, "delete-account", "--yes")
        self.tmux("new-session", "-d", "-x", str(self.columns), "-y", str(self.rows), "-s", "gone",
                  f"'{BIN}/kith' --home '{s.home(who)}'; echo status=$?; sleep 60")
        shown = lambda: " ".join(self.tmux("capture-pane", "-p", "-t", "gone").split())
        self.assertTrue(until(lambda: "signed out; quit" in shown()), shown())
        self.tmux("send-keys", "-t", "gone", "C-c")
        self.assertTrue(until(lambda: "status=3" in shown()), shown())

    def test_who_would_receive_is_always_named(self):
        self.type("/msg nobodyhere hi")
        self.keys("Enter")
        self.wait_for("not sent", "nobodyhere")
        self.type("/discard")
        self.keys("Enter")
        self.wait_for("nobodyhere · nothing said yet")
        self.assertNotIn("not sent", self.text())

    def test_no_color_means_no_color(self):
        s = self.server
        who = f"grey{self.columns}"
        s.join(who)
        s.out("bob", "send", who, "in colour")
        shown = lambda: self.tmux("capture-pane", "-e", "-p", "-t", "grey")
        for value, coloured in (("", True), ("1", False)):
            self.tmux("new-session", "-d", "-x", str(self.columns), "-y", str(self.rows), "-s", "grey",
                      f"NO_COLOR={value} '{BIN}/kith' --home '{s.home(who)}'")
            self.assertTrue(until(lambda: "in colour" in shown()), shown())
            self.assertEqual(bool(re.search(r"\x1b\[(\d+;)*3[0-7]m", shown())), coloured, shown())
            self.tmux("send-keys", "-t", "grey", "C-c")
            self.assertTrue(until(lambda: "grey" not in self.tmux("list-sessions")))

    def test_a_group_that_is_made_is_opened(self):
        self.type(f"/group made{self.columns} bob")
        self.keys("Enter")
        self.wait_for(f"#made{self.columns} · 2 members")

    def test_a_found_message_is_opened(self):
        self.type("/search ABCDE")
        self.keys("Enter")
        self.wait_for("found")
        self.keys("Escape")
        self.wait_for("/help")
        self.type("/search forged")
        self.keys("Enter")
        self.wait_for("Enter opens it")
        self.keys("Enter")
        self.wait_for("Enter answers it", "forged", "bob")

    def test_commands_show_pages_and_hints_are_whole(self):
        self.type("/help")
        self.keys("Enter")
        self.wait_for("Enter sends, Alt-Enter or Ctrl-J begins", "goes back")
        self.keys("PPage", "NPage", "NPage", "NPage", "NPage", "NPage", "NPage", "NPage")
        self.wait_for("/quit")
        self.keys("Escape")
        for command, shown in (("/privacy", "receipts"), ("/devices", "this device"), ("/block", "nobody"),
                               ("/nonsense", "There is no command /nonsense"), ("/members", "This is no group."),
                               ("/add", "This is no group.")):
            self.type(command)
            self.wait_for(f"> {command}")
            self.keys("Enter")
            self.assertTrue(until(lambda wanted=shown: wanted in " ".join(self.text().split())), self.text())
            self.keys("Escape")  # goes back, or empties the composer
            self.wait_for(" · /help")
            self.keys("C-u")
            self.assertTrue(until(lambda: re.search(r"^> *$", self.text(), re.M)))

    def test_who_is_in_the_way_of_a_group_is_named(self):
        self.server.out("shy", "privacy", "group-adds", "nobody")
        title = f"r{self.columns}"
        self.type(f"/group {title} bob")
        self.keys("Enter")
        self.wait_for("The group is there.")
        self.type(f"/to #{title}")
        self.keys("Enter")
        self.wait_for(f"#{title} · 2 members")
        self.type("/add shy")
        self.keys("Enter")
        self.wait_for("group: shy.")
        for count in range(3):  # it goes from the list, whatever else happens or does not
            refused = f"{title}no{count}"
            self.type(f"/group {refused} bob shy")
            self.keys("Enter")
            self.wait_for("/discard")
            self.type(f"/to #{refused}")
            self.keys("Enter")
            self.wait_for(f"#{refused} ·")
            self.type("/discard")
            self.keys("Enter")
            self.assertTrue(until(lambda gone=refused: f"#{gone}" not in self.text()), self.text())

    def test_a_group_is_made_and_left(self):
        title = f"g{self.columns}"
        self.type(f"/group {title} bob")
        self.keys("Enter")
        self.wait_for("The group is there.")
        self.type(f"/to #{title}")
        self.keys("Enter")
        self.assertRegex(self.wait_for(f"#{title} · 2 members"), r"── \w+, \d+ \w+ 20\d\d ──")
        self.type("/members")
        self.keys("Enter")
        self.wait_for("alice  owner", "bob")
        self.keys("Escape")
        self.type("/leave")
        self.keys("Enter")
        self.wait_for("once more")
        self.keys("Enter")
        self.wait_for("left")
        self.type("/quit")
        self.keys("Enter")
        self.assertTrue(until(lambda: subprocess.run(
            ["tmux", "-L", self.socket, "list-sessions"], capture_output=True).returncode != 0))


class SmallScreen(FullScreen):
    columns, rows = 40, 12


if __name__ == "__main__":
    if not shutil.which("tmux"):
        sys.exit("terminal_test: tmux is missing (tools/setup)")
    unittest.main(verbosity=2)
