"""What is done to a real account besides deploying: taking a stack down, looking at AWS itself.

Each tool takes its clients as an argument, so that the tests play it on the local AWS.
"""


class RefusedError(Exception):
    """Nothing went on, and why: every problem that was found, one in each entry."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
