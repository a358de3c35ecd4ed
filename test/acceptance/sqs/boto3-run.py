"""What a user of boto3 does, against the endpoint in argv[1]; prints "done" where everything was as Amazon has it."""

import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = sys.argv[1]
options = dict(
    endpoint_url=endpoint,
    region_name="eu-west-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"total_max_attempts": 1}),
)
sqs = boto3.client("sqs", **options)
resource = boto3.resource("sqs", **options)


def refused(call, code, status=400):
    try:
        call()
    except ClientError as error:
        said = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert said == (code, status), said
        return error.response["Error"]["Message"]
    raise AssertionError("not refused with " + code)


def arn(url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


# Queues, their attributes, tags and pages.
plain = sqs.create_queue(QueueName="boto-plain", Attributes={"VisibilityTimeout": "20"}, tags={"a": "1"})["QueueUrl"]
assert plain == endpoint + "/000000000000/boto-plain", plain
assert sqs.create_queue(QueueName="boto-plain", Attributes={"VisibilityTimeout": "20"})["QueueUrl"] == plain
refused(lambda: sqs.create_queue(QueueName="boto-plain", Attributes={"VisibilityTimeout": "21"}), "QueueAlreadyExists")
missing = "AWS.SimpleQueueService.NonExistentQueue"
refused(lambda: sqs.get_queue_url(QueueName="boto-nobody"), missing)
assert arn(plain) == "arn:aws:sqs:eu-west-1:000000000000:boto-plain"
sqs.set_queue_attributes(QueueUrl=plain, Attributes={"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "1"})
everything = sqs.get_queue_attributes(QueueUrl=plain, AttributeNames=["All"])["Attributes"]
assert everything["ReceiveMessageWaitTimeSeconds"] == "1" and everything["VisibilityTimeout"] == "20", everything
sqs.tag_queue(QueueUrl=plain, Tags={"b": "zwei & <drei>"})
assert sqs.list_queue_tags(QueueUrl=plain)["Tags"] == {"a": "1", "b": "zwei & <drei>"}
sqs.untag_queue(QueueUrl=plain, TagKeys=["a", "b"])
assert "Tags" not in sqs.list_queue_tags(QueueUrl=plain)
for at in range(3):
    sqs.create_queue(QueueName="boto-page-%d" % at)
pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="boto-page-", PaginationConfig={"PageSize": 2})
assert [len(page["QueueUrls"]) for page in pages] == [2, 1]

# Messages: boto3 compares every MD5 of a body; attributes are compared here.
attributes = {
    "text": {"DataType": "String", "StringValue": "ünï <&> \U0001f600"},
    "number": {"DataType": "Number.int", "StringValue": "-12"},
    "bytes": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff\x01"},
}
body = '<xml a="1">\r\n\tünï & \U0001f600</xml>'
sent = sqs.send_message(QueueUrl=plain, MessageBody=body, MessageAttributes=attributes)
assert sent["MD5OfMessageAttributes"] == "e7a34f19f5d7ed32b1200ab8fa924461", sent
(message,) = sqs.receive_message(
    QueueUrl=plain, AttributeNames=["All"], MessageAttributeNames=["All"], WaitTimeSeconds=5
)["Messages"]
assert message["Body"] == body and message["MessageId"] == sent["MessageId"], message
assert message["MessageAttributes"] == attributes, message
assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
assert message["Attributes"]["ApproximateReceiveCount"] == "1"
sqs.change_message_visibility(QueueUrl=plain, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
(again,) = sqs.receive_message(QueueUrl=plain, AttributeNames=["ApproximateReceiveCount"])["Messages"]
assert again["Attributes"] == {"ApproximateReceiveCount": "2"}, again
sqs.delete_message(QueueUrl=plain, ReceiptHandle=again["ReceiptHandle"])
sqs.delete_message(QueueUrl=plain, ReceiptHandle=again["ReceiptHandle"])
refused(lambda: sqs.delete_message(QueueUrl=plain, ReceiptHandle="nonsense"), "ReceiptHandleIsInvalid", 404)
assert "Messages" not in sqs.receive_message(QueueUrl=plain, WaitTimeSeconds=0)
refused(lambda: sqs.send_message(QueueUrl=plain, MessageBody="\x00"), "InvalidMessageContents")
refused(lambda: sqs.receive_message(QueueUrl=plain, MaxNumberOfMessages=11), "InvalidParameterValue")

# Batches, through the resource, as applications use it.
queue = resource.get_queue_by_name(QueueName="boto-plain")
result = queue.send_messages(
    Entries=[{"Id": str(at), "MessageBody": "body %d" % at} for at in range(9)]
    + [{"Id": "late", "MessageBody": "late", "DelaySeconds": 901}]
)
assert len(result["Successful"]) == 9 and [one["Id"] for one in result["Failed"]] == ["late"], result
received = []
while len(received) < 9:
    got = queue.receive_messages(MaxNumberOfMessages=10, WaitTimeSeconds=2)
    assert got, "messages are missing: %d of 9" % len(received)
    received += got
assert sorted(one.body for one in received) == ["body %d" % at for at in range(9)]
entries = [{"Id": str(at), "ReceiptHandle": one.receipt_handle} for at, one in enumerate(received)]
assert len(queue.delete_messages(Entries=entries)["Successful"]) == 9
refused(lambda: sqs.send_message_batch(QueueUrl=plain, Entries=[]), "AWS.SimpleQueueService.EmptyBatchRequest")
ids = [{"Id": "same", "MessageBody": "x"}] * 2
refused(
    lambda: sqs.send_message_batch(QueueUrl=plain, Entries=ids), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
)

# Fifo: groups, duplicates, numbers.
fifo = sqs.create_queue(QueueName="boto.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
first = sqs.send_message(QueueUrl=fifo, MessageBody="one", MessageGroupId="g", MessageDeduplicationId="1")
twice = sqs.send_message(QueueUrl=fifo, MessageBody="one", MessageGroupId="g", MessageDeduplicationId="1")
assert (twice["MessageId"], twice["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
sqs.send_message(QueueUrl=fifo, MessageBody="two", MessageGroupId="g", MessageDeduplicationId="2")
(one,) = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=1)["Messages"]
assert one["Body"] == "one" and "Messages" not in sqs.receive_message(QueueUrl=fifo)
sqs.delete_message(QueueUrl=fifo, ReceiptHandle=one["ReceiptHandle"])
(two,) = sqs.receive_message(QueueUrl=fifo, AttributeNames=["All"], WaitTimeSeconds=2)["Messages"]
assert two["Body"] == "two" and two["Attributes"]["SequenceNumber"] > first["SequenceNumber"], two
sqs.delete_message(QueueUrl=fifo, ReceiptHandle=two["ReceiptHandle"])
refused(lambda: sqs.send_message(QueueUrl=fifo, MessageBody="x"), "MissingParameter")

# Dead letters.
dead = sqs.create_queue(QueueName="boto-dead")["QueueUrl"]
policy = {"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1}
source = sqs.create_queue(
    QueueName="boto-source", Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "1"}
)["QueueUrl"]
given = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
assert json.loads(given) == policy, given
lost = sqs.send_message(QueueUrl=source, MessageBody="lost")
assert sqs.receive_message(QueueUrl=source)["Messages"]
end = time.time() + 10
found = []
while not found and time.time() < end:
    assert "Messages" not in sqs.receive_message(QueueUrl=source), "received more often than it may be"
    found = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1, VisibilityTimeout=0).get("Messages", [])
assert [one["MessageId"] for one in found] == [lost["MessageId"]], found
assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [source]

# The end.
sqs.add_permission(QueueUrl=plain, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
sqs.remove_permission(QueueUrl=plain, Label="l")
sqs.purge_queue(QueueUrl=dead)
left = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
assert left == {"ApproximateNumberOfMessages": "0"}, left
for url in sqs.list_queues(QueueNamePrefix="boto")["QueueUrls"]:
    sqs.delete_queue(QueueUrl=url)
refused(lambda: sqs.send_message(QueueUrl=plain, MessageBody="x"), missing)
print("done with boto3", boto3.__version__)
