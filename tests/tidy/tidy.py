#!/usr/bin/env python3
"""tidy.py [--self-test | --refresh-snippets]: holds the tree to the house rules of docs/style.md.

Old debts may stand in tests/tidy/ratchet.txt ("rule path count"): a count may only shrink, and the file must follow it.
--self-test plants one violation of each rule and expects it to be found; --refresh-snippets rewrites the code blocks of
the documents from their sources.
"""

import collections
import pathlib
import subprocess
import sys

import planted
import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATCHET = "tests/tidy/ratchet.txt"


def read_tree() -> rules.Tree:
    """Every text file that is, or could be, committed; outside a git checkout, every file but build/."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                                check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        listed = [path for path in listed if not path.startswith(("build/", ".git/"))]
    tree = {}
    for path in filter(None, listed):
        try:
            tree[path] = (ROOT / path).read_bytes().decode()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # binary, or deleted and not committed yet
    return tree


def read_ratchet(text: str) -> collections.Counter:
    debts = collections.Counter()
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            rule, path, count = line.split()
            debts[rule, path] = int(count)
    return debts


def held(violations: list[rules.Violation], debts: collections.Counter) -> list[str]:
    """Returns the violations beyond the old debts."""
    found = collections.Counter((violation.rule, violation.path) for violation in violations)
    lines = [f"{violation.path}:{violation.line}: {violation.rule}: {violation.message}" for violation in violations
             if found[violation.rule, violation.path] > debts[violation.rule, violation.path]]
    lines += [f"{RATCHET}: {rule} {path} is down to {found[rule, path]}: write that (or drop the line)"
              for (rule, path), count in debts.items() if found[rule, path] < count]
    return lines


def refresh_snippets(tree: rules.Tree) -> None:
    known = rules.regions(tree)
    for path, text in rules.documents(tree):
        def current(match):
            name = match.group("name")
            wanted = rules.snippet_text(name, known, tree) if name else None
            return match.group(0) if wanted is None else f"<!-- snippet: {name} -->\n```cpp\n{wanted}```"
        changed = rules.SNIPPET.sub(current, text)
        if changed != text:
            (ROOT / path).write_text(changed)
            print(f"refreshed {path}")


def self_test() -> list[str]:
    lines = []
    for expected, tree in planted.VIOLATIONS:
        found = {violation.rule for violation in rules.check(planted.with_layers(tree))}
        if found != {expected}:
            lines.append(f"planted {expected} in {list(tree)}, found {sorted(found) or 'nothing'}")
    for tree in planted.GOOD:
        lines += [f"planted nothing wrong, found {violation}" for violation in rules.check(planted.with_layers(tree))]
    untested = {"layer", "public-header", "edge", "banned", "size", "columns", "function", "purpose", "unfinished",
                "machine-path", "name", "class", "prose", "word", "snippet", "link", "proof",
                "guide"} - {expected for expected, _ in planted.VIOLATIONS}
    lines += [f"no planted violation of {rule}" for rule in sorted(untested)]
    debt = [rules.Violation("size", "a.cc", 1, "long")]
    owed = read_ratchet("size a.cc 1")
    if held(debt, owed) or not held(debt, read_ratchet("")) or not held([], owed):
        lines.append("the ratchet does not hold")
    return lines


def main() -> int:
    options = sys.argv[1:]
    if options == ["--self-test"]:
        lines = self_test()
    elif options == ["--refresh-snippets"]:
        refresh_snippets(read_tree())
        return 0
    elif not options:
        tree = read_tree()
        lines = held(rules.check(tree), read_ratchet(tree.get(RATCHET, "")))
    else:
        print(__doc__)
        return 2
    for line in lines:
        print(line)
    print(f"tidy: {len(lines)} to mend" if lines else "tidy: good")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
