"""The one command that deploys the edge, against a stand-in for an account."""

import unittest

import boto3

from account import edge_stand_in
from account.edge import contents, templates
from account.edge.plan import EDGE_TEMPLATE
from account.edge_services import RULE
from account.edge_stand_in import Account

PAGES = {f"errors/{page.name}" for page in contents.pages()}


class Edge(unittest.TestCase):
    """An account for each test."""

    def setUp(self) -> None:
        self.account = self.enterContext(Account(edge_stand_in.folder(self)))
        self.given = self.account.parameters()

    def deploy(self, *words: str) -> edge_stand_in.Ran:
        """A run that comes to its end."""
        ran = self.account.run(*(words or self.given))
        self.assertEqual((ran.code, ran.err), (0, ""), ran.out)
        return ran


class Deploying(Edge):
    """What it does."""

    def test_the_first_run_makes_all_and_says_what_to_do_with_dns(self) -> None:
        ran = self.deploy()
        state = self.account.state()
        secret = self.account.secret()
        self.assertEqual({name for name in state["objects"] if name.startswith("errors/")}, PAGES)
        page = ("text/html; charset=utf-8", "no-store")
        notice = ("text/javascript; charset=utf-8", "public, max-age=3600")
        for name in PAGES:
            wanted = notice if name == "errors/banner.js" else page
            self.assertEqual(state["objects"][name][1:], wanted, name)
        self.assertEqual(set(*state["stores"].values()), {"secrets"})
        self.assertEqual([*self.account.store.values.values()], [{"secrets": secret}])
        function = self.account.cloudformation.stacks["shop-maintenance"].parameters
        self.assertEqual(function["RuleArns"], f"{RULE}0c")
        self.assertEqual(function["ErrorBucket"], "shop-edge-errors")
        self.assertEqual(function["ProbeUrl"], "https://www.example.com/")
        self.assertEqual(function["BypassHeaderName"], "x-maintenance-bypass")
        self.assertIn(function["CodeKey"], state["objects"])
        edge = self.account.cloudformation.stacks["shop-edge"].parameters
        self.assertEqual(edge["VpcId"], self.account.vpc)
        self.assertEqual(edge["ExistingLoadBalancerDnsName"], self.account.balancer["DNSName"])
        self.assertEqual(self.account.function.asked, ["check"])
        for said in (
            "Account 123456789012, Region eu-west-1",
            "shop-maintenance looked at all",
            "www.example.com  CNAME  d111111abcdef8.cloudfront.net",
            "--connect-to www.example.com:443:d111111abcdef8.cloudfront.net:443",
        ):
            self.assertIn(said, ran.out)

    def test_a_second_run_changes_nothing_with_or_without_the_parameters(self) -> None:
        self.deploy()
        before = self.account.state()
        for words in (self.given, ["--yes"]):
            with self.subTest(words=words):
                ran = self.deploy(*words)
                self.assertEqual(self.account.changes(), [])
                self.assertEqual(self.account.state(), before)
                self.assertEqual(ran.out.count("already so"), 12)

    def test_a_dry_run_tells_each_step_and_changes_nothing(self) -> None:
        ran = self.deploy(*self.given, "--dry-run")
        self.assertEqual(self.account.changes(), [])
        self.assertEqual(self.account.function.asked, [])
        for said in (
            "edge      create the stack shop-edge: DomainNames 'www.example.com,example.com'; Edge",
            f"; VpcId '{self.account.vpc}'\n",
            "pages     upload every page",
            "secret    make the secret shop-maintenance/bypass in Secrets Manager, a new one",
            "store     put the secret",
            "code      upload maintenance-window-arm64.zip",
            "function  create the stack shop-maintenance",
            "Nothing was changed.",
        ):
            self.assertIn(said, ran.out)
        self.deploy()
        ran = self.deploy("ResponseTimeout=60", "RemindBefore=PT1H", "--dry-run")
        self.assertEqual(self.account.changes(), [])
        self.assertIn("update the stack shop-edge: ResponseTimeout from '30' to '60'", ran.out)
        self.assertIn("update the stack shop-maintenance: RemindBefore from '' to 'PT1H'", ran.out)

    def test_nothing_is_changed_before_the_account_is_named_and_agreed_to(self) -> None:
        def no(_: str) -> str:
            return "n"

        def nobody(_: str) -> str:
            raise EOFError

        for ask in (no, nobody):
            ran = self.account.run(*self.given, ask=ask)
            self.assertEqual((ran.code, self.account.changes()), (1, []))
            self.assertIn("Account 123456789012, Region eu-west-1", ran.out)
            self.assertIn("Nothing was changed.", ran.out)
        ran = self.account.run(*self.given, "--yes", ask=nobody)
        self.assertEqual(ran.code, 0)

    def test_the_secret_is_in_its_two_places_and_nowhere_else(self) -> None:
        file = edge_stand_in.folder(self) / "shop.parameters"
        file.write_text(f"# the lock\nOriginLockValue={edge_stand_in.LOCK}\n")
        ran = self.deploy(*self.given, "--file", str(file))
        secret = self.account.secret()
        self.assertRegex(secret, "^[0-9a-f]{48}$")
        sent = [
            (call, key)
            for call, key, text in edge_stand_in.everything(self.account.calls)
            if secret in text
        ]
        self.assertEqual(
            sent,
            [
                ("secretsmanager.create_secret", "SecretString"),
                ("cloudfront-keyvaluestore.put_key", "Value"),
            ],
        )
        again = self.deploy()
        dry = self.deploy("--dry-run", "--file", str(file))
        for said in (ran, again, dry):
            self.assertNotIn(secret, said.out + said.err)
            self.assertNotIn(edge_stand_in.LOCK, said.out + said.err)
        self.assertNotIn(secret, repr(contents.Secret("arn", "1", secret)))

    def test_a_value_that_is_not_shown_can_be_given_again_and_is_kept_otherwise(self) -> None:
        file = edge_stand_in.folder(self) / "shop.parameters"
        file.write_text(f"OriginLockValue={edge_stand_in.LOCK}\n")
        self.deploy(*self.given, "--file", str(file))
        edge = self.account.cloudformation.stacks["shop-edge"].parameters
        ran = self.deploy("--yes", "--file", str(file))
        self.assertIn("update the stack shop-edge: OriginLockValue, if it is another", ran.out)
        self.assertEqual(self.account.changes(), [("cloudformation", "update_stack")])
        self.assertEqual(ran.out.count("already so"), 5 + 6)
        self.deploy("ResponseTimeout=40")
        after = self.account.cloudformation.stacks["shop-edge"].parameters
        self.assertEqual(after, edge | {"ResponseTimeout": "40"})
        self.assertEqual(after["OriginLockValue"], edge_stand_in.LOCK)

    def test_a_secret_that_is_there_is_used(self) -> None:
        manager = boto3.client("secretsmanager")
        manager.create_secret(Name="mine", SecretString="of-my-own-making-1")
        self.deploy(*self.given, "--secret", "mine")
        self.assertEqual([*self.account.store.values.values()], [{"secrets": "of-my-own-making-1"}])
        # Known from the stack from now on.
        self.deploy("--yes")
        self.assertEqual(self.account.changes(), [])

    def test_a_secret_that_stands_at_the_edge_only_is_taken_over(self) -> None:
        self.account.dies = (1, "after")
        self.account.run(*self.given)
        self.account.dies = None
        (store,) = self.account.store.values.values()
        store["secrets"] = "put-there-by-hand-before"
        # Its creation is under way still.
        self.account.cloudformation.stacks["shop-edge"].status = "CREATE_COMPLETE"
        self.assertIn("with what the edge's store holds", self.deploy("--dry-run").out)
        self.deploy("--yes")
        self.assertEqual(self.account.secret(), "put-there-by-hand-before")

    def test_stacks_that_were_deployed_by_hand_are_taken_over_with_their_secret(self) -> None:
        self.deploy()
        boto3.client("secretsmanager").delete_secret(
            SecretId="shop-maintenance/bypass", ForceDeleteWithoutRecovery=True
        )
        (store,) = self.account.store.values.values()
        store["secrets"] = "put-there-by-hand-before"
        parameters = self.account.cloudformation.stacks["shop-maintenance"].parameters
        parameters |= {
            "BypassHeaderSecret": "",
            "BypassHeaderValue": "put-there-by-hand-before",
            "ProbeUrl": "https://www.example.com/mine",
        }
        self.deploy("--yes")
        self.assertEqual(store["secrets"], "put-there-by-hand-before")
        self.assertEqual(self.account.secret(), "put-there-by-hand-before")
        after = self.account.cloudformation.stacks["shop-maintenance"].parameters
        self.assertEqual(after["BypassHeaderValue"], "")
        self.assertIn(":secret:shop-maintenance/bypass-", after["BypassHeaderSecret"])
        self.assertEqual(after["ProbeUrl"], "https://www.example.com/mine")
        self.deploy("--yes")
        self.assertEqual(self.account.changes(), [])

    def test_a_new_secret_reaches_the_edge_first_and_then_the_function(self) -> None:
        self.deploy()
        before = self.account.cloudformation.stacks["shop-maintenance"].parameters
        secret = self.account.secret()
        boto3.client("secretsmanager").put_secret_value(
            SecretId="shop-maintenance/bypass", SecretString=f"another-one-of-mine,{secret}"
        )
        self.deploy("--yes")
        self.assertEqual(
            self.account.changes(),
            [("cloudfront-keyvaluestore", "put_key"), ("cloudformation", "update_stack")],
        )
        after = self.account.cloudformation.stacks["shop-maintenance"].parameters
        self.assertNotEqual(before["BypassHeaderSecret"], after["BypassHeaderSecret"])

    def test_new_code_has_a_new_key_and_updates_the_function_only(self) -> None:
        self.deploy()
        self.account.code("another one")
        self.deploy("--yes")
        self.assertEqual(
            self.account.changes(), [("s3", "put_object"), ("cloudformation", "update_stack")]
        )

    def test_a_new_template_updates_its_stack(self) -> None:
        self.deploy()
        for name, made in self.account.cloudformation.stacks.items():
            with self.subTest(name):
                made.body += "# of an older version\n"
                dry = self.deploy("--dry-run")
                self.assertIn(f"update the stack {name}: the template\n", dry.out)
                self.deploy("--yes")
                self.assertEqual(self.account.changes(), [("cloudformation", "update_stack")])

    def test_further_rules_stay_and_the_edges_is_always_among_them(self) -> None:
        self.deploy(*self.given, f"RuleArns={RULE}0d")
        for _ in range(2):
            rules = self.account.cloudformation.stacks["shop-maintenance"].parameters["RuleArns"]
            self.assertEqual(rules, f"{RULE}0d,{RULE}0c")
            self.deploy("--yes")

    def test_a_page_that_was_changed_or_stored_otherwise_is_uploaded_again(self) -> None:
        self.deploy()
        storage = boto3.client("s3")
        storage.put_object(Bucket="shop-edge-errors", Key="errors/503.html", Body=b"mine")
        page = (contents.PAGES / "404.html").read_bytes()
        storage.put_object(Bucket="shop-edge-errors", Key="errors/404.html", Body=page)
        storage.put_object(Bucket="shop-edge-errors", Key="errors/window.json", Body=b"{}")
        ran = self.deploy("--dry-run")
        self.assertIn("upload 404.html, 503.html", ran.out)
        self.deploy("--yes")
        self.assertEqual(self.account.changes(), [("s3", "put_object")] * 2)
        self.assertIn("errors/window.json", self.account.state()["objects"])

    def test_an_error_that_check_finds_is_told_and_is_a_failure(self) -> None:
        finding = {"severity": "error", "what": "no rule", "why": "none", "fix": "make one"}
        self.account.function.findings = [finding]
        ran = self.account.run(*self.given)
        self.assertEqual(ran.code, 1)
        self.assertIn("error: no rule: none; make one", ran.out)
        self.account.function.findings = [finding | {"severity": "warning"}]
        self.assertEqual(self.account.run("--yes").code, 0)

    def test_every_parameter_of_both_templates_can_be_given(self) -> None:
        edge = templates.Template.read(EDGE_TEMPLATE)
        function = templates.Template.read(self.account.package / "maintenance-window.yaml")
        samples = {
            "ResponseTimeout": "31",
            "Page404": "true",
            "NotificationEmail": "ana@example.com",
            "HistoryDays": "40",
            "ProbeUrl": "https://www.example.com/health",
        }
        ran = self.deploy(*self.given, *(f"{name}={value}" for name, value in samples.items()))
        stacks = self.account.cloudformation.stacks
        both = stacks["shop-edge"].parameters | stacks["shop-maintenance"].parameters
        self.assertEqual({name: both[name] for name in samples}, samples)
        self.assertEqual(both.keys(), edge.parameters.keys() | function.parameters.keys())
        self.assertIn("Confirm the subscription", ran.out)


class BrokenOff(unittest.TestCase):
    """The process dies, and the same command runs again."""

    def test_dying_at_any_change_and_running_again_ends_as_if_nothing_had_happened(self) -> None:
        with Account(edge_stand_in.folder(self)) as account:
            self.assertEqual(account.run(*account.parameters()).code, 0)
            expected, changes = comparable(account), len(account.changes())
        self.assertEqual(changes, len(PAGES) + 5)
        for number in range(1, changes + 1):
            for when in ("before", "after"):
                with (
                    self.subTest(number=number, when=when),
                    Account(edge_stand_in.folder(self)) as account,
                ):
                    given = account.parameters()
                    account.dies = (number, when)
                    self.assertIsNone(account.run(*given).code)
                    account.dies = None
                    ran = account.run(*given)
                    self.assertEqual((ran.code, ran.err), (0, ""))
                    self.assertEqual(comparable(account), expected)


def comparable(account: Account) -> dict[str, object]:
    """What is there, without the names that AWS chooses."""
    state = account.state()
    for _, _, parameters in state["stacks"].values():
        for name, value in parameters.items():
            if value and (name.endswith("Arn") or name in ("VpcId", "BypassHeaderSecret")):
                parameters[name] = "chosen by AWS"
    return state


if __name__ == "__main__":
    unittest.main()
