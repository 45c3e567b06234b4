#!/usr/bin/env python3
"""verdict.py TESTS.xml GTEST_DIR: says what the tests of a ctest run found, ending with the line "N passed, N failed".

TESTS.xml is the JUnit file of ctest, one entry for each test program. GTEST_DIR holds one report of every GoogleTest
program that came to its end; its single cases are counted. Any other program counts as one test.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(path: pathlib.Path) -> list[tuple[str, str]]:
    """(name, passed|failed|skipped) of each case in a GoogleTest report; empty if there is none."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return []
    found = []
    for case in root.iter("testcase"):
        if case.get("status") == "notrun":
            continue
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            found.append((name, "failed"))
        elif case.get("result") == "skipped" or case.find("skipped") is not None:
            found.append((name, "skipped"))
        else:
            found.append((name, "passed"))
    return found


def results(tests: pathlib.Path, reports: pathlib.Path) -> list[tuple[str, str]]:
    found = []
    for program in ElementTree.parse(tests).getroot().iter("testcase"):
        name, status = program.get("name", "?"), program.get("status", "")
        if program.find("failure") is not None or status == "fail":
            verdict = "failed"
        elif status == "run":
            verdict = "passed"
        elif status == "disabled" or program.find("skipped") is not None:
            verdict = "skipped"
        else:
            verdict = "failed"  # could not be started
        cases = [(f"{name}: {case}", result) for case, result in cases_of(reports / f"{name}.xml")]
        # A program that fails with all its cases good (a crash at exit, a leak) is a failure of its own.
        if not cases or (verdict == "failed" and all(result != "failed" for _, result in cases)):
            cases.append((name, verdict))
        found += cases
    return found


def main() -> int:
    try:
        found = results(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no test results: {error}")
        found = [("the test run", "failed")]
    if not found:
        found = [("no test was found", "failed")]
    for wanted in ("skipped", "failed"):
        for name, result in found:
            if result == wanted:
                print(f"{wanted}: {name}")
    passed = sum(result == "passed" for _, result in found)
    failed = sum(result == "failed" for _, result in found)
    good = passed > 0 and failed == 0
    print("verdict: " + ("everything passed" if good else "NOT GOOD"))
    print(f"\n{passed} passed, {failed} failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
