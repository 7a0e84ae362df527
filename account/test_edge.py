"""The one command that deploys the edge, against a stand-in for an account."""

import importlib.util
import io
import json
import unittest
from typing import Any

import boto3
import botocore.awsrequest
import urllib3

from account import edge_stand_in
from account.edge import PROJECT, contents, templates
from account.edge.plan import EDGE_TEMPLATE
from account.edge_services import RULE
from account.edge_stand_in import Account
from account.test_account import run

PAGES = {f"errors/{page.name}" for page in contents.PAGES.glob("*.html")}


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
        for name in PAGES:
            self.assertEqual(
                state["objects"][name][1:], ("text/html; charset=utf-8", "no-store"), name
            )
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
            "edge      create the stack shop-edge",
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
        finding = {"severity": "error", "what": "No rule.", "why": "None.", "fix": "Make one."}
        self.account.function.findings = [finding]
        ran = self.account.run(*self.given)
        self.assertEqual(ran.code, 1)
        self.assertIn("error: No rule. None. To mend it: Make one.", ran.out)
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


class Existing(Edge):
    """Only the pages and the secret, for a distribution that is there."""

    def setUp(self) -> None:
        super().setUp()
        self.storage = boto3.client("s3")
        place = {"LocationConstraint": "eu-west-1"}
        self.storage.create_bucket(Bucket="mine", CreateBucketConfiguration=place)
        self.account.store.values["arn:store"] = {}
        self.words = ("--bucket", "mine", "--store", "arn:store", "--secret", "a/secret")

    def test_pages_and_secret_are_put_where_they_belong_once(self) -> None:
        dry = self.account.run_for_existing(*self.words, "--dry-run")
        self.assertEqual((dry.code, self.account.changes()), (0, []))
        ran = self.account.run_for_existing(*self.words)
        self.assertEqual((ran.code, ran.err), (0, ""))
        found = self.storage.list_objects_v2(Bucket="mine")["Contents"]
        self.assertEqual({one["Key"] for one in found}, PAGES)
        manager = boto3.client("secretsmanager")
        secret = manager.get_secret_value(SecretId="a/secret")["SecretString"]
        self.assertEqual(self.account.store.values["arn:store"], {"secrets": secret})
        self.assertNotIn(secret, ran.out)
        self.assertIn("Account 123456789012, Region eu-west-1", dry.out)
        self.account.run_for_existing(*self.words)
        self.assertEqual(self.account.changes(), [])

    def test_pages_alone_will_do_and_one_half_of_a_pair_will_not(self) -> None:
        self.assertEqual(self.account.run_for_existing("--bucket", "mine").code, 0)
        self.assertEqual(self.account.changes(), [("s3", "put_object")] * len(PAGES))
        for words in (self.words[:4], (*self.words[:2], *self.words[4:]), ("--bucket", "")):
            with self.subTest(words=words):
                ran = run("account.edge.existing", *words)
                self.assertEqual(ran.returncode, 2)

    def test_a_bucket_that_is_not_there_says_so(self) -> None:
        ran = self.account.run_for_existing("--bucket", "none")
        self.assertEqual(ran.code, 1)
        self.assertIn("NoSuchBucket", ran.err)


class Signed(unittest.TestCase):
    """What goes to the key value store, as the real client sends it."""

    def test_the_pinned_tools_bring_what_signs_it(self) -> None:
        pinned = (PROJECT / "requirements" / "local.txt").read_text()
        self.assertRegex(pinned, r"(?m)^awscrt==")

    @unittest.skipUnless(importlib.util.find_spec("awscrt"), "the tools here are older")
    def test_the_secret_is_in_the_body_only_and_signed_for_every_region(self) -> None:
        sent = []

        def stop(request: Any, **_: Any) -> botocore.awsrequest.AWSResponse:
            sent.append(request)
            raw = urllib3.HTTPResponse(io.BytesIO(b'{"ETag": "E1"}'), preload_content=False)
            return botocore.awsrequest.AWSResponse(request.url, 200, {"ETag": "E1"}, raw)

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        store = boto3.client("cloudfront-keyvaluestore", region_name="eu-west-1", **keys)
        store.meta.events.register("before-send", stop)
        contents.put(store, "arn:aws:cloudfront::123456789012:key-value-store/a", "the-secret")
        _, put = sent
        self.assertIn("AWS4-ECDSA-P256-SHA256", str(put.headers["Authorization"]))
        self.assertEqual(json.loads(put.body), {"Value": "the-secret"})
        self.assertNotIn("the-secret", put.url + str(put.headers))
        self.assertIn("/keys/secrets", put.url)
        self.assertIn("E1", str(put.headers["If-Match"]))


class Command(unittest.TestCase):
    """The command line."""

    def test_it_says_what_it_wants(self) -> None:
        for words, code in (((), 2), (("",), 2), (("shop", "--frobnicate"), 2), (("--help",), 0)):
            with self.subTest(words=words):
                self.assertEqual(run("account.edge", *words).returncode, code)

    def test_without_what_signs_for_the_store_or_an_account_it_says_so_and_how_to_go_on(
        self,
    ) -> None:
        ran = run("account.edge", "shop")
        self.assertEqual(ran.returncode, 1)
        expected = "no awscrt: python3 -m pip|a Region, found none.*\n.*credentials, found none"
        self.assertRegex(ran.stderr, expected)
        self.assertIn("run the same command again", ran.stderr)
        self.assertNotIn("Traceback", ran.stderr)


if __name__ == "__main__":
    unittest.main()
