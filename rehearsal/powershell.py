"""What a command for PowerShell hands to its program, and what one for Bash does.

Of PowerShell only what the documents use: single quotes, double quotes around variables, and the
backslashes that versions before 7.3 need before a double quote.
"""

import re
import shlex

CALL = re.compile(r"(?:\$\w+ = )?((?:aws|curl\.exe|mw) .+)")
# Files and names of Windows, and what Bash has in their place.
INSTEAD = {"curl.exe": "curl", "NUL": "/dev/null"}


def calls(text: str) -> list[str]:
    """The lines of a block that call a program."""
    return [line for line in text.splitlines() if CALL.fullmatch(line)]


def words(line: str, block: str) -> list[str]:
    """What the program is given; `block` may say what is in the file that an event is read from."""
    call = CALL.fullmatch(line.strip())
    assert call, line
    # In single quotes neither of the two shells knows a backslash.
    given = [word.replace('\\"', '"') for word in shlex.split(call[1])]
    files = dict(re.findall(r"(?m)^Set-Content .*?(\S+) '(.*)'$", block))
    named = [files.get(word.removeprefix("file://"), word) for word in given]
    return [INSTEAD.get(word, word) for word in _shown(named)]


def bash_words(command: str) -> list[str]:
    """The same of a command for Bash: without the variable that keeps its answer."""
    joined = command.replace("\\\n", " ")
    kept = re.match(r"\w+=\$\((.*)\)(?: && .*)?$", joined, re.DOTALL)
    try:
        return shlex.split(kept[1] if kept else joined, comments=True)
    except ValueError:
        return []


def _shown(given: list[str]) -> list[str]:
    """With the terminal in place of the file for the answer, which only Bash can do without."""
    last = given[-1]
    return [*given[:-1], "/dev/stdout"] if last.endswith(".json") and "://" not in last else given
