#!/usr/bin/env python3
"""Reads the JUnit file that ctest wrote, names what failed or was skipped, and ends with "N passed, N failed"."""

import sys
import xml.etree.ElementTree as ElementTree


def main() -> int:
    try:
        cases = list(ElementTree.parse(sys.argv[1]).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no test results: {error}")
        print("\n0 passed, 1 failed")
        return 1
    failed, skipped, passed = [], [], 0
    for case in cases:
        status = case.get("status", "")
        if status == "run" and case.find("failure") is None:
            passed += 1
        elif case.find("skipped") is not None and case.find("failure") is None and status != "fail":
            skipped.append(case)
        else:
            failed.append(case)
    print()
    for case in skipped:
        print(f"skipped: {case.get('name')}")
    for case in failed:
        print(f"FAILED: {case.get('name')}")
    print("verdict: " + ("everything passed" if passed and not failed else "NOT GOOD"))
    print(f"\n{passed} passed, {len(failed)} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
