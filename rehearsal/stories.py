"""How somebody types the documents' commands: in which order, and with what in the places to fill.

Whoever changes or adds a command in a document adds it to one of the stories, or says in not_run.py
why it cannot run here.
"""

from rehearsal.steps import Step
from rehearsal.story_edge import THE_EDGE
from rehearsal.story_first import COMMAND_LINE, README
from rehearsal.story_runbook import RUNBOOK

# In this order, in one shell.
STORIES: dict[str, list[Step]] = {
    "README.md": README,
    "docs/CLI.md": COMMAND_LINE,
    "site/": THE_EDGE,
    "docs/RUNBOOK.md": RUNBOOK,
}
