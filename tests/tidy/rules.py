"""The house rules, each a function from the tree (path -> text) to what breaks it; no file is touched here."""

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from passages import FENCED, Lines, code_of, passages, prose_of, without_comments

LINES_MAX = 800
COLUMNS_MAX = 120
FUNCTION_LINES_MAX = 70


class Violation(NamedTuple):
    rule: str
    path: str
    line: int
    message: str


Tree = dict[str, str]
SOURCE = (".h", ".cc")


def sources(tree: Tree) -> Iterator[tuple[str, str]]:
    return ((path, text) for path, text in tree.items() if path.endswith(SOURCE))


# --- layers -----------------------------------------------------------------------------------------------------------

# First match wins.
LAYER_OF = [
    (r"include/kith/core/|src/", "core"),
    (r"include/kith/conformance/", "conformance"),
    (r"client/cli/", "cli"),
    (r"include/kith/client/|client/", "client"),
    (r"include/kith/server/(ports/|options\.h|hooks\.h|log_line\.h)", "records"),
    (r"include/kith/server/|server/[^/]*$", "server"),
    (r"server/([a-z]+)/", r"\1"),  # each room is a layer
    (r"examples/", "example"),
    (r"benchmarks/", "bench"),
    (r"tests/", "test"),
]
# Rooms that see what an embedder sees.
PUBLIC_ONLY = {"cli", "conformance", "example"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path: str) -> str | None:
    matches = ((re.match(pattern, path), layer) for pattern, layer in LAYER_OF)
    return next((match.expand(layer) for match, layer in matches if match), None)


def layer_table(text: str) -> dict[str, set[str]]:
    table = {}
    for line in text.splitlines():
        if re.match(r"[a-z]", line):
            layer, _, allowed = line.partition(":")
            table[layer.strip()] = set(table) if allowed.strip() == "*" else set(allowed.split())
    return table


def includes(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match.group(1), match.group(2)


def included_path(path: str, name: str, tree: Tree) -> str | None:
    """The file of this project that `name` means in `path`; None for somebody else's header."""
    beside = f"{path.rpartition('/')[0]}/{name}"
    candidates = (f"include/{name}", name, beside)
    if name.startswith("kith/v1/"):
        return "src/" + name  # generated from src/proto
    return next((candidate for candidate in candidates if candidate in tree), None)


def check_layers(tree: Tree) -> Iterator[Violation]:
    table = layer_table(tree.get("cmake/layers.txt", ""))
    for path, text in sources(tree):
        layer = layer_of(path)
        if layer is None:
            yield Violation("layer", path, 1, "stands in no room that cmake/layers.txt knows")
            continue
        for number, _, name in includes(text):
            target = included_path(path, name, tree)
            if target is None:
                continue
            other = layer_of(target)
            if target.startswith("include/kith/server/") and "server" in table.get(layer, set()):
                continue  # who may use the server may use its public headers
            if other != layer and other not in table.get(layer, set()):
                yield Violation("layer", path, number, f"{layer} must not include {other} ({name})")
            elif layer in PUBLIC_ONLY and other != layer and not target.startswith("include/"):
                yield Violation("layer", path, number, f"{layer} sees public headers only, not {name}")


def check_third_party(tree: Tree) -> Iterator[Violation]:
    homes = {r"libwebsockets\.h": "_lws", r"sqlite3\.h": "_sqlite", r"uv\.h": "(_uv|_lws)", r"curl/": "_curl",
             r"boost/asio/(ip|ssl)": "_asio"}
    for path, text in sources(tree):
        stem = path.rpartition("/")[2].partition(".")[0]
        for number, quote, name in includes(text):
            theirs = name.startswith("kith/") or re.fullmatch(r"[a-z_0-9]+", name)
            if path.startswith("include/kith/conformance/"):
                theirs = theirs or name.startswith("gtest/")
            if path.startswith("include/") and not theirs:
                yield Violation("public-header", path, number, f"<{name}>: public headers include std and kith/ only")
            for header, home in homes.items():
                if re.match(header, name) and not re.search(home, stem) and not path.startswith("tests/"):
                    yield Violation("edge", path, number, f"{name} belongs into files named *{home}")


# --- text -------------------------------------------------------------------------------------------------------------

MEASURING = re.compile(r"tests/|benchmarks/|examples/|src/time\.cc$")
ANYWHERE = re.compile(r"(?!)")
# kith prints what strangers wrote: through its two filtered ways out alone.
PRINTING = re.compile(r"(?!client/cli/)|client/cli/(printer|canvas)\.cc$")
BANNED = [  # pattern, where it is allowed, what to use
    (r"\b(system_clock|steady_clock|high_resolution_clock)::now\b", MEASURING, "the injected Clock"),
    (r"\b(std::)?s?rand\s*\(", ANYWHERE, "the injected Random"),
    (r"\batomic_thread_fence\b", ANYWHERE, "the order of an atomic itself: ThreadSanitizer knows no fences"),
    (r"\brandom_device\b", re.compile(r"src/random\.cc$"), "the injected Random"),
    (r"\bsleep_(for|until)\b|\bu?sleep\s*\(|\bnanosleep\s*\(", re.compile(r"examples/|benchmarks/"),
     "a virtual clock, or wait for the event itself"),
    (r"\bstd::(cout|cerr|clog|print)\b|\b(v?f?d?printf|f?puts|fwrite|putw?char|(mv)?w?(addn?w?str|addw?ch|printw))\s*\("
     r"|\bSTD(OUT|ERR)_FILENO,", PRINTING, "Printer or Canvas"),
    (r"\busing\s+namespace\s+(?!std::(\w+_)?literals\b)", re.compile(r".*\.cc$"), "names, in a header"),
]


def check_banned(tree: Tree) -> Iterator[Violation]:
    for path, text in sources(tree):
        for number, line in enumerate(code_of(text).splitlines(), 1):
            for pattern, allowed, instead in BANNED:
                if (match := re.search(pattern, line)) and not allowed.match(path):
                    yield Violation("banned", path, number, f"{match.group(0)}: use {instead}")
    # A reader may begin deferred; a writer that does can fail in the middle, when it wants the write lock.
    begin = re.compile(r'(^\s*|")BEGIN\b(?!\s+(IMMEDIATE|EXCLUSIVE))\s*(TRANSACTION|DEFERRED)?\s*("|;|$)')
    for path, text in tree.items():
        if path.endswith((*SOURCE, ".sql")):
            for number, line in enumerate(without_comments(text).splitlines(), 1):
                if begin.search(line) and "reader" not in line:
                    yield Violation("banned", path, number, "BEGIN: use BEGIN IMMEDIATE")


def check_sizes(tree: Tree) -> Iterator[Violation]:
    for path, text in tree.items():
        if path.endswith((*SOURCE, ".py", ".proto", ".cmake", "CMakeLists.txt")) or path.startswith("tools/"):
            lines = text.splitlines()
            if len(lines) > LINES_MAX:
                yield Violation("size", path, LINES_MAX, f"{len(lines)} lines, at most {LINES_MAX}")
            for number, line in enumerate(lines, 1):
                if len(line) > COLUMNS_MAX:
                    yield Violation("columns", path, number, f"{len(line)} columns, at most {COLUMNS_MAX}")


NO_FUNCTION = re.compile(r"(namespace|class|struct|enum|union|extern|if|for|while|switch|else|do|try|catch|return)\b|#")
FUNCTION_END = re.compile(
    r"\)(\s*(const|noexcept|override|final|mutable|try|&&?))*(\s*->[^;{}]*)?(\s*:[^:].*)?\s*$", re.S)


def functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, number of lines, header) of the outermost functions, by brace matching on formatted code."""
    code = re.sub(r"^[ \t]*#.*$", "", code_of(text), flags=re.M)
    stack: list[tuple[bool, int, str]] = []
    header_from = 0
    for at, sign in ((m.start(), m.group(0)) for m in re.finditer(r"[{};]", code)):
        if sign == "{":
            in_function = any(inside for inside, _, _ in stack)
            if at and (code[at - 1].isalnum() or code[at - 1] in "_>") and not in_function:
                stack.append((False, -1, ""))  # b_{value} of an initialiser list: the header goes on
                continue
            header = code[header_from:at]
            start = header_from + len(header) - len(header.lstrip())
            name = re.sub(r"^((public|private|protected):|template\s*<[^{}]*?>|\s)+", "", header)
            is_function = bool(not NO_FUNCTION.match(name) and FUNCTION_END.search(name))
            stack.append((is_function, start, " ".join(name.split())))
        elif sign == "}":
            if not stack:
                return
            is_function, start, header = stack.pop()
            if start < 0:
                continue
            if is_function and not any(inside for inside, _, _ in stack):
                first = code.count("\n", 0, start) + 1
                yield first, code.count("\n", 0, at) + 2 - first, header
        header_from = at + 1


def check_functions(tree: Tree) -> Iterator[Violation]:
    for path, text in sources(tree):
        for first, lines, header in functions(text):
            if lines > FUNCTION_LINES_MAX:
                yield Violation("function", path, first, f"{lines} lines, at most {FUNCTION_LINES_MAX}: {header[:60]}")


def check_purpose(tree: Tree) -> Iterator[Violation]:
    for path, text in sources(tree):
        comment = []
        for line in text.splitlines():
            if not line.startswith("//"):
                break
            comment.append(line[2:].strip())
        sentence = " ".join(comment)
        if len(sentence.split()) < 2 or not re.search(r"[.:!?)]", sentence):
            yield Violation("purpose", path, 1, "opens with no sentence that says what the file is for")


UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PLACES = ["/wo" "rk/", "../sha" "red", "/ro" "ot/", "/fa" "rm/", "/ho" "me/"]


def check_words(tree: Tree) -> Iterator[Violation]:
    for path, text in tree.items():
        if path.startswith("examples/data/"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if match := UNFINISHED.search(line):
                yield Violation("unfinished", path, number, f"{match.group(0)}: finish it, or open an issue")
            for place in PLACES:
                if place in line and not re.search(r"[\w.$}]" + re.escape(place), line):
                    yield Violation("machine-path", path, number, f"{place} exists on one machine only")


VAGUE = {"manager", "helper", "helpers", "util", "utils", "common", "impl", "misc", "hub", "noinst"}


def check_names(tree: Tree) -> Iterator[Violation]:
    for path, text in sources(tree):
        stem = path.rpartition("/")[2].partition(".")[0]
        if VAGUE & set(stem.split("_")) or stem == "data":
            yield Violation("name", path, 1, "the name says nothing; call it what a user would")
        if not re.fullmatch(r"[a-z0-9_]+", stem):
            yield Violation("name", path, 1, "file names are snake_case")
        for number, line in enumerate(code_of(text).splitlines(), 1):
            if match := re.match(r"\s*(class|struct)\s+(\w*(Manager|Helper|Util|Utils|Common|Misc))\b", line):
                yield Violation("name", path, number, f"{match.group(2)}: the name says nothing")


# --- classes ----------------------------------------------------------------------------------------------------------

METHODS_MAX = 25
FIELDS_MAX = 15
ROOM_LINES_MAX = 500
# Old debts: figures may only shrink, and must follow when they do.
CLASS_DEBTS = {}  # methods, fields
FILE_DEBTS = {}
CLASS = re.compile(r"\b(class|struct)\s+(?:\w+_API\s+)?(\w+(?:::\w+)*)[^;{}()]*\{")
NO_MEMBER = re.compile(r"(using|friend|typedef|static constexpr|class|struct|enum|union"
                       r"|template\s*<[^>]*>\s*(class|struct))\b")


def members(code: str, at: int) -> Iterator[str]:
    """The declarations directly in the class whose body begins at `at`, without the bodies of functions."""
    depth, text = 1, ""
    for sign in code[at:]:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            return
        if depth == 1:
            text += ";" if sign == "}" and FUNCTION_END.search(text) else "" if sign == "}" else sign
            if text.endswith(";"):
                text = re.sub(r"\b(public|private|protected)\s*:", "", text)
                yield " ".join(text[:-1].split())
                text = ""


def classes(text: str) -> Iterator[tuple[int, str, str, list[str], list[str]]]:
    """(line, class or struct, name, methods, fields) of every class that is defined."""
    code = re.sub(r"^[ \t]*#.*$", "", code_of(text), flags=re.M)
    for match in CLASS.finditer(code):
        methods, fields = [], []
        for member in members(code, match.end()):
            plain = member
            while plain != (shorter := re.sub(r"<[^<>()]*(\([^()]*\)[^<>()]*)?>", "", plain)):
                plain = shorter
            if not plain or NO_MEMBER.match(plain) or re.search(r"= delete$", plain):
                continue
            (methods if "(" in plain.partition("=")[0] else fields).append(plain)
        yield code.count("\n", 0, match.start()) + 1, match.group(1), match.group(2), methods, fields


def own_methods(methods: list[str]) -> int:
    """Without the overrides of an interface that is above the bound itself: they only name who answers."""
    overrides = [method for method in methods if method.endswith(" override")]
    return len(methods) - (len(overrides) if len(overrides) > METHODS_MAX else 0)


def check_classes(tree: Tree) -> Iterator[Violation]:
    """A class of server/ or client/ has a state that can be surveyed; a struct that only holds values is a record."""
    met = set()
    for path, text in sources(tree):
        if not path.startswith(("server/", "client/")):
            continue
        lines = len(text.splitlines())
        if lines > FILE_DEBTS.get(path, ROOM_LINES_MAX):
            yield Violation("class", path, ROOM_LINES_MAX, f"{lines} lines, at most {ROOM_LINES_MAX}")
        elif path in FILE_DEBTS and lines < FILE_DEBTS[path]:
            yield Violation("class", path, 1, f"is down to {lines} lines: say so in FILE_DEBTS")
        for number, kind, name, methods, fields in classes(text):
            found = own_methods(methods), len(fields)
            record = kind == "struct" and all(re.search(r"\bconst\b[^()]*$|operator", method) for method in methods)
            allowed = CLASS_DEBTS.get(name, (METHODS_MAX, FIELDS_MAX))
            met |= {name} & set(CLASS_DEBTS)
            if found[0] > allowed[0] or (found[1] > allowed[1] and not record):
                yield Violation("class", path, number, f"{name} has {found[0]} methods and {found[1]} fields, "
                                f"at most {allowed[0]} and {allowed[1]}: cut it")
            elif name in CLASS_DEBTS and found != allowed:
                yield Violation("class", path, number, f"{name} is down to {found}: say so in CLASS_DEBTS")
    if "server/server.cc" in tree:
        for name in sorted(set(CLASS_DEBTS) - met):
            yield Violation("class", "tests/tidy/rules.py", 1, f"CLASS_DEBTS names {name}, which is no more")


# --- prose ------------------------------------------------------------------------------------------------------------

# A sentence names its subject: no clause ("What it holds is …", "Who comes …", "Those who …") stands for it, and no
# "Of …" goes before it. A question may begin so, and so may a part of something counted ("Of the three, …").
NO_SUBJECT = re.compile(
    r"(?:^|(?<=[.!?:;] )|(?<=[.!?][)\"] ))[(\"]?"
    r"(?:(Who(?:ever|m|se)?|What(?:ever)?|(?:Those|Nobody|One) (?:who|whose|that))\b(?![^.?!]*\?)"
    r"|(Of) (?!course\b|these\b|those\b|both\b|all\b|the (?:\d|two\b|three\b|four\b|five\b)))")
VAGUE_WORDS = [  # what is said too often for something else, and what to say
    (r"\btold\b(?! apart\b)", "notified, returned, reported, sent, shown …"),
    (r"\b[Ss]o many\b(?! that\b)", "the number, or at most how many"),
    (r"\bone's own\b", "the user's own, or the caller's"),
]


def sentences(lines: Lines) -> str:
    """The passage in one line, without marks of emphasis and names in backticks."""
    return " ".join(re.sub(r"[*_]{2}|(?<!\S)[*_](?=\S)|(?<=\S)[*_](?!\S)", "",
                           re.sub(r"`[^`]*`", "``", line.strip())) for _, line in lines)


def line_of(lines: Lines, at: int) -> int:
    """The line that character `at` of sentences(lines) comes from."""
    for end in range(1, len(lines) + 1):
        if at < len(sentences(lines[:end])):
            return lines[end - 1][0]
    return lines[-1][0]


def check_prose(tree: Tree) -> Iterator[Violation]:
    for path, text in tree.items():
        if path.startswith(("examples/data/", "tests/tidy/planted.py")):
            continue
        for lines in passages(path, text):
            prose = sentences(lines)
            for match in NO_SUBJECT.finditer(prose):
                yield Violation("prose", path, line_of(lines, match.start()),
                                f"{prose[match.start():match.start() + 30]} …: begin with the subject and its verb")
            for word, instead in VAGUE_WORDS:
                for match in re.finditer(word, prose):
                    yield Violation("word", path, line_of(lines, match.start()),
                                    f"{match.group(0)}: {instead}")


# --- documents --------------------------------------------------------------------------------------------------------

# <!-- snippet: NAME --> or <!-- snippet: examples/file.cc -->, then the block.
SNIPPET = re.compile(r"(?:<!-- snippet: (?P<name>\S+) -->\n)?```cpp\n(?P<body>.*?)^```$", re.S | re.M)


def regions(tree: Tree) -> Tree:
    """Every // [name] … // [/name] region of examples/ and tests/, without its common indentation."""
    found = {}
    for path, text in sources(tree):
        if path.startswith(("examples/", "tests/")):
            for match in re.finditer(r"^ *// \[(\w+)\]\n(.*?)^ *// \[/\1\]$", text, re.S | re.M):
                lines = match.group(2).splitlines()
                indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
                found[match.group(1)] = "".join(line[indent:] + "\n" for line in lines)
    return found


def snippet_text(name: str, known: Tree, tree: Tree) -> str | None:
    return tree.get(name) if "/" in name else known.get(name)


def documents(tree: Tree) -> Iterator[tuple[str, str]]:
    return ((path, text) for path, text in tree.items() if path.endswith(".md"))


def check_snippets(tree: Tree) -> Iterator[Violation]:
    known = regions(tree)
    for path, text in documents(tree):
        for match in SNIPPET.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            name = match.group("name")
            if name is None:
                yield Violation("snippet", path, number, "a ```cpp block without <!-- snippet: NAME --> above it")
                continue
            wanted = snippet_text(name, known, tree)
            if wanted is None:
                yield Violation("snippet", path, number, f"no region // [{name}] in examples/ or tests/")
            elif wanted != match.group("body"):
                yield Violation("snippet", path, number, f"{name} differs from its source: run tools/snippets")


LINK = re.compile(r"\[[^\[\]]*\]\(([^()\s]+)\)")


def anchors(text: str) -> set[str]:
    """Returns the valid #fragments: the headings, as GitHub writes them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*?) *$", FENCED.sub("", text), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number, unique = 0, slug
        while unique in found:
            number += 1
            unique = f"{slug}-{number}"
        found.add(unique)
    return found


def check_links(tree: Tree) -> Iterator[Violation]:
    folders = {"/".join(path.split("/")[:depth]) for path in tree for depth in range(1, path.count("/") + 1)}
    for path, text in documents(tree):
        prose = prose_of(text)
        for match in LINK.finditer(prose):
            target, _, fragment = match.group(1).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            number = prose.count("\n", 0, match.start()) + 1
            named = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            if named not in tree and named not in folders:
                yield Violation("link", path, number, f"{match.group(1)}: there is no {named}")
            elif fragment and fragment not in anchors(tree.get(named, "")):
                yield Violation("link", path, number, f"{match.group(1)}: {named} has no such heading")


TEST_CASE = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.M)
NAMED_TEST = re.compile(r"`(?:(?P<suite>[A-Z]\w*)\.|…)(?P<name>\w+|\*)(?P<cut>…?)`")


def check_proofs(tree: Tree) -> Iterator[Violation]:
    """docs/requirements.md names tests as `Suite.Name`, `…Name` of the same suite, `Suite.*` and `Suite.Begin…`."""
    known = {match.groups() for path, text in sources(tree) if path.startswith("tests/")
             for match in TEST_CASE.finditer(text)}
    for path, text in documents(tree):
        if path != "docs/requirements.md":
            continue
        suite = ""
        for match in NAMED_TEST.finditer(text):
            suite, name = match.group("suite") or suite, match.group("name")
            begins = name == "*" or match.group("cut")
            if not any(s == suite and (n == name or (begins and n.startswith(name.rstrip("*")))) for s, n in known):
                number = text.count("\n", 0, match.start()) + 1
                yield Violation("proof", path, number, f"there is no test {suite}.{name}")


# Lists in guides that must be complete: (sources, the part of them, one name in it, the guide).
LISTED = [
    (r"include/kith/core/result\.h$", r"enum class ErrorCode.*?^};", r"^  (k\w+) =", "docs/client_guide.md"),
    (r"include/kith/server/options\.h$", r"struct ServerOptions.*?^};",
     r"^  [\w:<>]\S*(?: \S+)*? (\w+)(?:\{.*\}| = .*)?;(?: *//.*)?$", "docs/server_guide.md"),
    (r"server/daemon/config\.cc$", r"kFields = \{.*?^  \};", r'^      \{"([\w-]+)",', "docs/server_guide.md"),
    (r"server/.*\.cc$", r"add_stats\(.*?^}", r'\["(\w+)"\]', "docs/server_guide.md"),
    (r"src/proto/kith/v1/frame\.proto$", r"oneof body.*?^  }", r"^    (\w+) \w+ = \d+;", "docs/protocol.md"),
    (r"src/proto/kith/v1/\w+\.proto$",
     r"enum (?:ErrorCode|GoodbyeReason|SyncResetReason|EventKind|MemberChangeKind) .*?^}",
     r"^  (?:ERROR_CODE|GOODBYE_REASON|SYNC_RESET_REASON|EVENT_KIND|MEMBER_CHANGE_KIND)_(?!UNSPECIFIED)(\w+) = \d+;",
     "docs/protocol.md"),
]


def check_guides(tree: Tree) -> Iterator[Violation]:
    for sources_of, part, name, guide in LISTED:
        told = tree.get(guide, "")
        for path, text in tree.items():
            if not re.match(sources_of, path):
                continue
            for body in re.findall(part, text, re.S | re.M):
                for found in re.findall(name, body, re.M):
                    if f"`{found}`" not in told and not (found[0].isupper() and re.search(rf"\b{found}\b", told)):
                        yield Violation("guide", path, 1, f"{guide} does not tell about `{found}`")


RULES = [check_layers, check_third_party, check_banned, check_sizes, check_functions, check_purpose, check_words,
         check_names, check_classes, check_prose, check_snippets, check_links, check_proofs, check_guides]


def check(tree: Tree) -> list[Violation]:
    return [violation for rule in RULES for violation in rule(tree)]
