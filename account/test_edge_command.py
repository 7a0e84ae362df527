"""The edge's commands as they are called, and what the real client sends to the key value store."""

import importlib.util
import io
import json
import unittest
from typing import Any

import boto3
import botocore.awsrequest
import urllib3

from account.edge import PROJECT, contents
from account.test_account import run
from account.test_edge import PAGES, Edge


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
