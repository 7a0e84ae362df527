"""How the edge's deployment goes on from a stack that failed, or that is under way."""

import unittest

from account.edge_services import Made, client_error
from account.edge_stand_in import Refused


class Stacks(Refused):
    """How a stack stands when it begins."""

    def setUp(self) -> None:
        super().setUp()
        self.given = self.account.parameters()

    def stand(self, status: str, name: str = "shop-edge", then: str = "") -> None:
        """Puts a stack that is there into a state."""
        made = self.account.cloudformation.stacks[name]
        made.status, made.next_status = status, then

    def test_a_creation_that_failed_says_why_and_the_same_command_begins_anew(self) -> None:
        self.account.cloudformation.fails = "One or more of the CNAMEs are already associated"
        said = self.refused(
            *self.given,
            why="shop-edge should be created, and it is ROLLBACK_COMPLETE: "
            "Distribution: One or more of the CNAMEs",
            so_far=(("cloudformation", "create_stack"),),
        )
        self.assertNotIn("long ago", said)
        dry = self.account.run(*self.given, "--dry-run")
        self.assertIn("delete what is left of shop-edge, whose creation failed", dry.out)
        self.assertIn("OriginLockValue only if given again", dry.out)
        # The parameters are known still.
        self.assertEqual(self.account.run("--yes").code, 0)
        self.assertEqual(
            self.account.changes()[:2],
            [("cloudformation", "delete_stack"), ("cloudformation", "create_stack")],
        )

    def test_an_update_that_failed_says_why_and_can_be_tried_again(self) -> None:
        self.account.run(*self.given)
        self.account.cloudformation.fails = "Access denied"
        self.refused(
            "ResponseTimeout=40",
            why="should be updated, and it is UPDATE_ROLLBACK_COMPLETE: Distribution: Access d",
            so_far=(("cloudformation", "update_stack"),),
        )
        dry = self.account.run("ResponseTimeout=40", "--dry-run")
        self.assertIn("update the stack shop-edge (its last update was undone)", dry.out)
        self.assertEqual(self.account.run("ResponseTimeout=40").code, 0)

    def test_what_is_under_way_is_waited_for(self) -> None:
        self.account.run(*self.given)
        for name in ("shop-edge", "shop-maintenance"):
            for status in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"):
                with self.subTest(name=name, status=status):
                    self.stand(status, name, then="UPDATE_COMPLETE")
                    dry = self.account.run("--dry-run")
                    self.assertEqual((dry.code, self.account.changes()), (0, []))
                    self.assertIn(f"The stack {name} is {status}: this waits for it", dry.out)
                    self.stand(status, name, then="UPDATE_COMPLETE")
                    self.assertEqual(self.account.run("--yes").code, 0)
                    self.assertEqual(self.account.changes(), [])

    def test_a_stack_that_is_being_deleted_is_waited_for_and_made_anew(self) -> None:
        self.account.run(*self.given)
        self.stand("DELETE_IN_PROGRESS", "shop-maintenance", then="DELETED")
        self.assertEqual(self.account.run("--yes").code, 0)
        self.assertEqual(self.account.changes(), [("cloudformation", "create_stack")])

    def test_what_somebody_has_to_decide_is_refused_with_the_way_out(self) -> None:
        self.account.run(*self.given)
        for status, way_out in (
            ("REVIEW_IN_PROGRESS", "delete-stack --stack-name shop-edge"),
            ("CREATE_FAILED", "delete-stack --stack-name shop-edge"),
            ("ROLLBACK_FAILED", "delete-stack --stack-name shop-edge"),
            ("DELETE_FAILED", "delete-stack --stack-name shop-edge"),
            ("UPDATE_FAILED", "rollback-stack --stack-name shop-edge"),
            ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name shop-edge"),
        ):
            with self.subTest(status):
                self.stand(status)
                self.refused("--yes", why=f"the stack shop-edge is {status}: .*{way_out}")

    def test_one_that_never_ends_is_given_up(self) -> None:
        self.account.run(*self.given)
        # At each look it is under way again.
        self.account.cloudformation.stacks["shop-edge"] = Endless(
            **vars(self.account.cloudformation.stacks["shop-edge"])
        )
        self.refused("--yes", why="still UPDATE_IN_PROGRESS after an hour")

    def test_a_call_that_fails_says_at_which_step_and_how_to_go_on(self) -> None:
        def put_key(**_: object) -> None:
            raise client_error("ConflictException", "changed meanwhile")

        right, self.account.store.put_key = self.account.store.put_key, put_key
        ran = self.account.run(*self.given)
        self.assertEqual(ran.code, 1)
        self.assertIn("The step store failed: ", ran.err)
        self.assertIn("run the same command again", ran.err)
        self.account.store.put_key = right
        self.assertEqual(self.account.run(*self.given).code, 0)


class Endless(Made):
    """A stack that is always under way."""

    @property
    def status(self) -> str:
        """Whatever it was put to."""
        return "UPDATE_IN_PROGRESS"

    @status.setter
    def status(self, _: str) -> None: ...


if __name__ == "__main__":
    unittest.main()
