"""What the steps are of which the stories consist that the drills type; see stories.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# By the proxy in the reader's environment this is the load balancer here.
VISITED = {"https://www.example.com/": "http://www.example.com/"}
WINDOW = "database-move"


@dataclass(frozen=True)
class Typed:
    """A command of a document.

    `put` fills what the document leaves open, in words of Bash; `says` is what the answer has in
    it, `answers` what is typed when it asks, `code` its exit code.
    """

    document: str
    begins: str
    says: tuple[str, ...] = ()
    put: Mapping[str, str] = field(default_factory=dict)
    answers: str = ""
    code: int = 0


@dataclass(frozen=True)
class Meanwhile:
    """What happens between two commands, in no document; `says` as above."""

    why: str
    bash: str
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Widened:
    """The local AWS tells no rules and groups apart: its function may change all of them."""

    stack: str


Step = Typed | Meanwhile | Widened

CLOSED = Meanwhile(
    "a visitor meets the maintenance",
    "curl -sS -o /dev/null -w '%{http_code}\\n' http://www.example.com/",
    ("503",),
)
OPEN = Meanwhile(
    "a visitor meets the site",
    "curl -sS -o /dev/null -w '%{http_code}\\n' http://www.example.com/",
    ("200",),
)
