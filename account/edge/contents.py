"""What the edge holds: its pages, the testers' secret, and the function's code."""

import hashlib
import re
import secrets
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.exceptions

from account import RefusedError
from account.edge import PROJECT

PAGES = PROJECT / "site" / "errors"
# By the ends of their names. A page that says how long it may be kept would stay in browsers after
# the site is back; the notice for the application's own pages may stay for an hour.
HEADERS = {
    ".html": {"ContentType": "text/html; charset=utf-8", "CacheControl": "no-store"},
    ".js": {
        "ContentType": "text/javascript; charset=utf-8",
        "CacheControl": "public, max-age=3600",
    },
}
# The name in the key value store that the bypass function asks for.
STORE_KEY = "secrets"
# What the bypass function and the template accept: one value, or two while testers move.
VALUE = re.compile(r"[A-Za-z0-9_-]{16,128}(,[A-Za-z0-9_-]{16,128})?")
GONE = {"404", "NoSuchKey", "NotFound", "ResourceNotFoundException", "NoSuchBucket"}


def code_of(error: botocore.exceptions.ClientError) -> str:
    """AWS's word for what went wrong."""
    return error.response["Error"]["Code"]


def pages(folder: Path = PAGES) -> list[Path]:
    """The pages, and the notice for the application's own."""
    return sorted(page for page in folder.iterdir() if page.suffix in HEADERS)


def late_pages(storage: Any, bucket: str, folder: Path = PAGES) -> list[Path]:
    """The pages that are not in the bucket as they should be."""
    late = []
    for page in pages(folder):
        try:
            found = storage.get_object(Bucket=bucket, Key=f"errors/{page.name}")
        except botocore.exceptions.ClientError as error:
            if code_of(error) not in GONE:
                raise
            late.append(page)
            continue
        wanted = HEADERS[page.suffix]
        headers = {name: found.get(name) for name in wanted}
        if headers != wanted or found["Body"].read() != page.read_bytes():
            late.append(page)
    return late


def upload_pages(storage: Any, bucket: str, pages: list[Path]) -> None:
    """Puts these pages into the bucket; nothing else there is touched."""
    for page in pages:
        headers = HEADERS[page.suffix]
        storage.put_object(
            Bucket=bucket, Key=f"errors/{page.name}", Body=page.read_bytes(), **headers
        )


@dataclass(frozen=True)
class Secret:
    """A secret of Secrets Manager; its value shows nowhere."""

    arn: str
    version: str
    value: str = field(repr=False)

    @property
    def reference(self) -> str:
        """How the function's stack names it: with its version, so that a new one is noticed."""
        return f"{self.arn}:SecretString:::{self.version}"


def read_secret(manager: Any, name: str) -> Secret | None:
    """The secret; None if there is none.

    Raises `RefusedError` if it is being deleted, cannot be read, or could not be used.
    """
    try:
        found = manager.get_secret_value(SecretId=name)
    except botocore.exceptions.ClientError as error:
        if code_of(error) == "InvalidRequestException":
            raise RefusedError(
                f"the secret {name} is marked for deletion; restore it (aws secretsmanager "
                f"restore-secret --secret-id {name}), or name another one by --secret"
            ) from error
        if code_of(error) in GONE and not name.startswith("arn:"):
            return None
        raise RefusedError(
            f"the secret {name} cannot be read: {error}; name another one by --secret"
        ) from error
    value = found.get("SecretString", "")
    if not VALUE.fullmatch(value):
        raise RefusedError(
            f"the secret {name}: expected 16 to 128 letters, digits, underscores and hyphens, or "
            "two such values separated by a comma; found something else, which is not shown"
        )
    return Secret(found["ARN"], found["VersionId"], value)


def make_secret(manager: Any, name: str, value: str | None) -> Secret:
    """A new secret, with that value or one that nobody knows yet."""
    value = value or secrets.token_hex(24)
    made = manager.create_secret(
        Name=name,
        Description="What testers send to get through the maintenance page.",
        SecretString=value,
    )
    return Secret(made["ARN"], made["VersionId"], value)


def stored(store: Any, arn: str) -> str | None:
    """What the key value store holds; None if nothing."""
    try:
        return store.get_key(KvsARN=arn, Key=STORE_KEY)["Value"]
    except botocore.exceptions.ClientError as error:
        if code_of(error) in GONE:
            return None
        raise


def put(store: Any, arn: str, value: str) -> None:
    """Puts the secret into the key value store, unless somebody else changes it meanwhile."""
    tag = store.describe_key_value_store(KvsARN=arn)["ETag"]
    store.put_key(KvsARN=arn, Key=STORE_KEY, Value=value, IfMatch=tag)


@dataclass(frozen=True)
class Code:
    """The function's zip, and its key in a bucket: a new one for new code, or nobody notices."""

    path: Path
    key: str

    @classmethod
    def read(cls, folder: Path, architecture: str) -> "Code":
        """The zip in that folder; raises `RefusedError` if there is none."""
        path = folder / f"maintenance-window-{architecture}.zip"
        try:
            with zipfile.ZipFile(path) as zipped:
                zipped.getinfo("bootstrap")
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise RefusedError(
                f"expected the function's zip as {path}, found none that holds it ({error}); take "
                f"it from a release, or make it with `make executable ARCHITECTURE={architecture}`"
            ) from error
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        return cls(path, f"code/{digest}/{path.name}")

    def late(self, storage: Any, bucket: str) -> bool:
        """Whether it is still to be uploaded."""
        try:
            storage.head_object(Bucket=bucket, Key=self.key)
        except botocore.exceptions.ClientError as error:
            if code_of(error) not in GONE:
                raise
            return True
        return False

    def upload(self, storage: Any, bucket: str) -> None:
        """Puts it into the bucket."""
        storage.put_object(Bucket=bucket, Key=self.key, Body=self.path.read_bytes())


@dataclass(frozen=True)
class Bypass:
    """The testers' secret, in Secrets Manager and at the edge."""

    manager: Any
    store: Any
    name: str

    def look(self, arn: str | None) -> tuple[Secret | None, str | None]:
        """The secret, and what the store of that ARN holds; each None where there is none."""
        return read_secret(self.manager, self.name), stored(self.store, arn) if arn else None

    def ensure(self, arn: str | None) -> Secret:
        """The secret: the one that is there, else the edge's, else a new one."""
        secret, at_the_edge = self.look(arn)
        return secret or make_secret(self.manager, self.name, usable(at_the_edge))


def usable(value: str | None) -> str | None:
    """A value as it stands at an edge that was set up by hand, if it is one."""
    return value if value and VALUE.fullmatch(value) else None
