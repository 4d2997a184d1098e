"""S3: translation of s3fs's options, and of the settings of AWS's tools, into options of `object_store`.

botocore, which s3fs uses too, finds credentials, profiles and regions: environment, shared files, single sign-on, roles. It renews
temporary credentials on request.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dicomlake.errors import ConfigurationError
from dicomlake.stores.translation.translated import KeyOrder, Translated, is_address, relevant

if TYPE_CHECKING:
    from botocore.session import Session

_KEY = ("key", "username", "aws_access_key_id")
_SECRET = ("secret", "password", "aws_secret_access_key")
_TOKEN = ("token", "aws_session_token")
_OWN = {*_KEY, *_SECRET, *_TOKEN, "anon", "endpoint_url", "region_name", "profile", "requester_pays", "use_ssl", "addressing_style"}

_IDENTITIES = {
    "env": "the keys of the environment",
    "shared-credentials-file": "the profile '{profile}' of the shared credentials file",
    "config-file": "the profile '{profile}' of the configuration file",
    "iam-role": "the role of this instance",
    "container-role": "the role of this container",
    "assume-role": "the role that the profile '{profile}' assumes",
    "assume-role-with-web-identity": "the role of the web identity token",
    "sso": "the single sign-on of the profile '{profile}'",
}
_ORDERLY_HOSTS = ("amazonaws.com", "amazonaws.com.cn", "googleapis.com", "windows.net")
ANONYMOUS = "nobody in particular (anonymous)"


def translated(bucket: str, options: Mapping[str, Any]) -> Translated | None:
    """The options of a bucket; None if only s3fs understands them.

    Raises:
        ConfigurationError: the profile does not exist.
    """
    given = _flat(options)
    if given is None or set(given) - _OWN:
        return None
    session = _session(given.get("profile"), _environment())
    found = {}
    region = given.get("region_name") or os.environ.get("AWS_REGION") or session.get_config_variable("region")
    endpoint = given.get("endpoint_url") or _configured_endpoint(session)
    style = given.get("addressing_style") or ((session.get_scoped_config().get("s3") or {}).get("addressing_style"))
    if style not in (None, "auto", "path", "virtual") or (endpoint and not is_address(endpoint)):
        return None
    if endpoint is None and given.get("use_ssl") is False:
        return None
    if endpoint:
        found["aws_endpoint"] = endpoint.rstrip("/")
        region = region or "us-east-1"
    if region:
        found["aws_region"] = str(region)
    if style == "virtual":
        found["aws_virtual_hosted_style_request"] = "true"
        if endpoint:  # object_store needs the bucket in it
            url = urlsplit(found["aws_endpoint"])
            found["aws_endpoint"] = f"{url.scheme}://{bucket}.{url.netloc}{url.path}"
    if given.get("requester_pays"):
        found["aws_request_payer"] = "true"
    credentials, identity = _credentials(given, session)
    return Translated(found | credentials, identity)


def key_order(bucket: str, options: Mapping[str, str]) -> KeyOrder:
    """The order in which a bucket lists keys. Amazon's buckets for single zones have none."""
    if bucket.endswith("--x-s3"):
        return KeyOrder.NONE
    host = urlsplit(options.get("aws_endpoint", "https://s3.amazonaws.com")).hostname or ""
    return KeyOrder.BYTES if host.endswith(_ORDERLY_HOSTS) else KeyOrder.NOT_KNOWN


def _flat(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The options without nesting. As in s3fs, its own options win over those for botocore's client."""
    given = relevant(options)
    of_client = relevant(given.pop("client_kwargs", {}))
    of_config = relevant(given.pop("config_kwargs", {}))
    of_s3 = relevant(of_config.pop("s3", {}))
    if of_config or set(of_s3) - {"addressing_style"}:
        return None
    return {**of_s3, **of_client, **given}


def _credentials(given: Mapping[str, Any], session: Session) -> tuple[dict[str, str], str]:
    if given.get("anon"):
        return {"aws_skip_signature": "true"}, ANONYMOUS
    key, secret, token = (next((given[name] for name in names if given.get(name)), None) for names in (_KEY, _SECRET, _TOKEN))
    identity = "the key of storage_options"
    if not (key and secret):
        found = session.get_credentials()
        if found is None:
            return {"aws_skip_signature": "true"}, f"{ANONYMOUS}, since no credentials were found"
        frozen = found.get_frozen_credentials()
        key, secret, token = frozen.access_key, frozen.secret_key, frozen.token
        profile = session.profile or "default"
        identity = _IDENTITIES.get(found.method, f"what botocore found ({found.method})").format(profile=profile)
    made = {"aws_access_key_id": str(key), "aws_secret_access_key": str(secret)}
    return made | ({"aws_session_token": str(token)} if token else {}), identity


def _configured_endpoint(session: Session) -> str | None:
    """The address of S3 in the environment or profile, searched in the order of AWS's tools."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    profile = session.get_scoped_config()
    services = session.full_config.get("services", {}).get(profile.get("services"), {})
    of_service = services.get("s3") if isinstance(services, Mapping) else None
    found = (
        os.environ.get("AWS_ENDPOINT_URL_S3"),
        os.environ.get("AWS_ENDPOINT_URL"),
        of_service.get("endpoint_url") if isinstance(of_service, Mapping) else None,
        profile.get("endpoint_url"),
    )
    return next((str(url) for url in found if url), None)


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))


@functools.lru_cache(maxsize=16)
def _session(profile: str | None, _environment_it_is_for: tuple[tuple[str, str], ...]) -> Session:
    """A botocore session, which keeps credentials while they are valid."""
    import botocore.exceptions  # noqa: PLC0415 - only commands that use a bucket should import it
    import botocore.session  # noqa: PLC0415 - likewise

    session = botocore.session.Session(profile=profile)
    try:
        session.get_scoped_config()
    except botocore.exceptions.ProfileNotFound:
        raise ConfigurationError(
            f"there is no AWS profile '{session.profile}'; check AWS_PROFILE and the shared configuration files"
        ) from None
    return session
