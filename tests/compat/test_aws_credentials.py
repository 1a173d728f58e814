"""Whom AWS services take the daemon for: the sources of its key, and the roles of targets."""

import datetime
import json

import pytest
from botocore.credentials import Credentials

from aws_services import ROLE, arn, assert_signed, only_letter, read
from sink import Answer
from waiting import wait_until

QUEUE = arn("sqs", "q")


def key(id, seconds, token="token"):
    """What a metadata service answers."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    text = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"Code": "Success", "AccessKeyId": id, "SecretAccessKey": "s", "Token": token, "Expiration": text}


def assumed(id, seconds=3600, action="AssumeRole"):
    """What STS answers."""
    made = key(id, seconds)
    members = "".join(
        f"<{name}>{made[of]}</{name}>"
        for name, of in [
            ("AccessKeyId", "AccessKeyId"),
            ("SecretAccessKey", "SecretAccessKey"),
            ("SessionToken", "Token"),
            ("Expiration", "Expiration"),
        ]
    )
    xml = f"<{action}Response><{action}Result><Credentials>{members}</Credentials></{action}Result></{action}Response>"
    return Answer(body=xml.encode())


def services(sink, **more):
    """The environment of a daemon without keys of its own, whose services are at the sink and STS below it."""
    return {"AWS_ENDPOINT_URL": sink.url, "AWS_ACCESS_KEY_ID": ""} | more


def is_sts(request):
    return b"Action=AssumeRole" in request.body


def sts(answer):
    """An answer of all services: STS gives this, the others take everything."""
    return lambda request: answer if is_sts(request) else Answer(body=b"{}")


def sent_as(request, id):
    assert f"Credential={id}/" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "token"
    assert_signed(request, "sqs", Credentials(id, "s", "token"))


# Sources of the daemon's own key


def test_the_role_of_an_instance(router, sink):
    roles = "/latest/meta-data/iam/security-credentials/"
    sink.always("/latest/api/token", lambda request: Answer(200 if request.method == "PUT" else 405, b"t-1"))

    def guarded(body):
        return lambda request: Answer(body=body) if request.headers.get("x-aws-ec2-metadata-token") == "t-1" else Answer(401)

    sink.always(roles, guarded(b"router-role"))
    sink.always(roles + "router-role", guarded(json.dumps(key("ASIAINSTANCE", 3600)).encode()))
    env = services(sink, AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=sink.url + "/")
    router(None, {"Arn": QUEUE}, env)
    (request,) = sink.wait_for(1, "/")
    sent_as(request, "ASIAINSTANCE")


@pytest.mark.parametrize("by_file", [False, True])
def test_the_role_of_a_container(router, sink, tmp_path, by_file):
    body = json.dumps(key("ASIACONTAINER", 3600)).encode()
    sink.always("/v4/key", lambda it: Answer(body=body) if it.headers.get("authorization") == "secret" else Answer(403))
    (tmp_path / "token").write_text("secret\n")
    proof = {"_FILE": str(tmp_path / "token")} if by_file else {"": "secret"}
    proof = {f"AWS_CONTAINER_AUTHORIZATION_TOKEN{name}": value for name, value in proof.items()}
    router(None, {"Arn": QUEUE}, services(sink, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{sink.url}/v4/key", **proof))
    (request,) = sink.wait_for(1, "/")
    sent_as(request, "ASIACONTAINER")


def test_a_web_identity(router, sink, tmp_path):
    (tmp_path / "token").write_text("jwt\n")
    sink.always("/", sts(assumed("ASIAWEB", action="AssumeRoleWithWebIdentity")))
    env = services(sink, AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"), AWS_ROLE_ARN=ROLE)
    router(None, {"Arn": QUEUE}, env)
    asked, request = sink.wait_for(2)
    assert "authorization" not in asked.headers
    assert read(asked)[-1] == {
        "Action": ["AssumeRoleWithWebIdentity"],
        "Version": ["2011-06-15"],
        "RoleArn": [ROLE],
        "RoleSessionName": ["eventyard"],
        "WebIdentityToken": ["jwt"],
    }
    sent_as(request, "ASIAWEB")


def test_what_every_source_said_is_told(router, sink, tmp_path):
    sink.always("/v4/key", Answer(body=b"{}"))
    env = services(
        sink,
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "nothing"),
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{sink.url}/v4/key",
        AWS_EC2_METADATA_DISABLED="false",
        AWS_EC2_METADATA_SERVICE_ENDPOINT=sink.url,
    )
    letter = only_letter(router(None, {"Arn": QUEUE, "RetryPolicy": {"MaximumRetryAttempts": 1}}, env).daemon)
    assert letter["ERROR_CODE"] == "NO_CREDENTIALS"
    for said in ["AWS_ACCESS_KEY_ID", str(tmp_path / "nothing"), "the container's agent", "metadata service"]:
        assert said in letter["ERROR_MESSAGE"], letter
    assert sink.to("/") == []


# Roles of targets


@pytest.fixture
def as_role(sink):
    """The environment of a daemon that assumes roles."""
    return {"AWS_ENDPOINT_URL": sink.url, "EVENTYARD_AWS_SERVICES__ASSUME_ROLES": "true"}


def test_a_target_with_a_role_is_called_as_that_role(router, sink, as_role, aws_client):
    sink.always("/", sts(assumed("ASIAROLE")))
    done = router(None, {"Arn": QUEUE, "RoleArn": ROLE}, as_role)
    asked, request = sink.wait_for(2)
    sent_as(request, "ASIAROLE")
    # The second event finds the role assumed.
    done.client.put_events(Entries=[{"Source": "com.example.shop", "DetailType": "b", "Detail": "{}"}])
    sent_as(sink.wait_for(3)[2], "ASIAROLE")
    aws_client("sts", sink.url).assume_role(RoleArn=ROLE, RoleSessionName="eventyard-orders")
    assert read(asked) == read(sink.wait_for(4)[3])


def test_a_role_is_assumed_again_before_it_ends(router, sink, as_role):
    given = iter([assumed("ASIAFIRST", seconds=4), assumed("ASIANEXT")])
    sink.always("/", lambda request: next(given) if is_sts(request) else Answer(body=b"{}"))
    done = router(None, {"Arn": QUEUE, "RoleArn": ROLE}, as_role)
    sent_as(sink.wait_for(2)[1], "ASIAFIRST")

    def has_another_key():
        done.client.put_events(Entries=[{"Source": "com.example.shop", "DetailType": "b", "Detail": "{}"}])
        return "Credential=ASIANEXT/" in sink.requests[-1].headers["authorization"]

    wait_until(has_another_key)
    assert len([request for request in sink.requests if is_sts(request)]) == 2


def test_a_role_that_is_not_given_is_told(router, sink, as_role):
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not yours</Message></Error></ErrorResponse>"
    sink.always("/", sts(Answer(403, denied)))
    target = {"Arn": QUEUE, "RoleArn": ROLE, "RetryPolicy": {"MaximumRetryAttempts": 1}}
    letter = only_letter(router(None, target, as_role).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("NO_CREDENTIALS", 1), letter
    assert ROLE in letter["ERROR_MESSAGE"] and "AccessDenied" in letter["ERROR_MESSAGE"]
    assert letter["ERROR_MESSAGE"].endswith("set aws_services.assume_roles to false")
    assert all(is_sts(request) for request in sink.requests)


def test_without_the_option_the_daemon_calls_itself(router, sink, as_role):
    router(None, {"Arn": QUEUE, "RoleArn": ROLE}, as_role | {"EVENTYARD_AWS_SERVICES__ASSUME_ROLES": "false"})
    (request,) = sink.wait_for(1)
    assert not is_sts(request)


def test_a_role_of_moto(router, moto, aws_client):
    sqs = aws_client("sqs", moto.url)
    queue = sqs.create_queue(QueueName="by-role")["QueueUrl"]
    target = {"Arn": arn("sqs", "by-role"), "RoleArn": ROLE}
    router(moto.url, target, {"AWS_ENDPOINT_URL": moto.url, "EVENTYARD_AWS_SERVICES__ASSUME_ROLES": "true"})
    wait_until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
