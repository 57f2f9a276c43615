"""Write the exported contract anew (`make schemas`), unless that would break somebody."""

from __future__ import annotations

import sys

from schemas.export import FOLDER, broken, committed, exported


def main(arguments: list[str]) -> int:
    """The exit code: 0 written, 1 refused because the change is a breaking one, 2 not understood.

    `--readers-first` writes a change that only old readers would stumble over (a further value of an
    enumeration, say): whoever gives it sees to it that readers are upgraded before writers.
    """
    if unknown := set(arguments) - {"--readers-first"}:
        sys.stderr.write(f"no such option: {' '.join(sorted(unknown))}\n")
        return 2
    found = list(broken(committed()))
    if arguments:
        found = [(name, each) for name, each in found if each.hurts == "old records"]
    if found:
        lines = [f"  {name}: {each}" for name, each in found]
        advice = "Give the event a new name instead, and write both until nobody reads the old one (CONTRIBUTING.md)."
        sys.stderr.write("\n".join(["This breaks the contract:", *lines, advice, ""]))
        return 1
    FOLDER.mkdir(exist_ok=True)
    for name, text in exported().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
