"""Uses a service of Kinesis and DynamoDB with Amazon's own client, and prints what it has seen, as one object of JSON.

Arguments: the endpoint of Kinesis, and that of DynamoDB.
"""

import datetime
import hashlib
import json
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

kinesis_endpoint, dynamo_endpoint = sys.argv[1:]
settings = {
    "region_name": "us-east-1",
    "aws_access_key_id": "any",
    "aws_secret_access_key": "any",
    "config": botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=20),
}
kinesis = boto3.client("kinesis", endpoint_url=kinesis_endpoint, **settings)
dynamo = boto3.client("dynamodb", endpoint_url=dynamo_endpoint, **settings)
stream = "flights"
seen = {}


def step(name):
    """Keeps what the function returns, or the name of the error that it meets."""

    def run(function):
        try:
            seen[name] = function()
        except botocore.exceptions.ClientError as error:
            seen[name] = [error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]]
        return function

    return run


def until_active():
    for _ in range(200):
        if kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE":
            return
        time.sleep(0.05)
    raise TimeoutError("the stream does not become ACTIVE")


def shards(**more):
    return kinesis.list_shards(StreamName=stream, **more)["Shards"]


def put(*pairs):
    return kinesis.put_records(StreamName=stream, Records=[{"PartitionKey": key, "Data": text} for key, text in pairs])


def iterator(shard, kind, **more):
    return kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def texts(shard, kind, **more):
    """Everything that an iterator gives until it is at the tip or at the end."""
    found, at = [], iterator(shard, kind, **more)
    for _ in range(20):
        page = kinesis.get_records(ShardIterator=at)
        found += [record["Data"].decode() for record in page["Records"]]
        at = page.get("NextShardIterator")
        if at is None or page["MillisBehindLatest"] == 0:
            break
    return found


kinesis.create_stream(StreamName=stream, ShardCount=2)
until_active()
first, second = [shard["ShardId"] for shard in shards()]
results = put(*[(f"key-{count % 5}", str(count)) for count in range(20)])


@step("stored")
def _():
    return [results["FailedRecordCount"], len(results["Records"])]


@step("routed by MD5")
def _():
    half = 1 << 127
    expected = [int(hashlib.md5(f"key-{count % 5}".encode()).hexdigest(), 16) >= half for count in range(20)]
    return expected == [record["ShardId"] == second for record in results["Records"]]


@step("read")
def _():
    found = [int(text) for shard in (first, second) for text in texts(shard, "TRIM_HORIZON")]
    return {f"key-{key}": [number for number in found if number % 5 == key] for key in range(5)}


def numbers_of(shard):
    return [record["SequenceNumber"] for record in results["Records"] if record["ShardId"] == shard]


of_first, of_second = numbers_of(first), numbers_of(second)


@step("rising")
def _():
    return all(int(a) < int(b) for a, b in zip(of_first, of_first[1:]))


@step("at a number")
def _():
    return len(texts(first, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=of_first[1])) == len(of_first) - 1


@step("after a number")
def _():
    return len(texts(first, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=of_first[1])) == len(of_first) - 2


@step("after the last number")
def _():
    return texts(first, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=of_first[-1])


@step("at the starting number of the shard")
def _():
    start = shards()[0]["SequenceNumberRange"]["StartingSequenceNumber"]
    return len(texts(first, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=start)) == len(of_first)


@step("a number of another shard")
def _():
    return texts(first, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=of_second[0])


@step("no number")
def _():
    return texts(first, "AT_SEQUENCE_NUMBER", StartingSequenceNumber="7")


@step("at an early time")
def _():
    early = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    return len(texts(first, "AT_TIMESTAMP", Timestamp=early)) == len(of_first)


@step("at a time to come")
def _():
    late = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return texts(first, "AT_TIMESTAMP", Timestamp=late)


@step("latest")
def _():
    at = iterator(first, "LATEST")
    put(*[(f"key-{key}", "new") for key in range(5)])
    page = kinesis.get_records(ShardIterator=at)
    return [len(page["Records"]) > 0, {record["Data"].decode() for record in page["Records"]} == {"new"}]


@step("bounded by Limit")
def _():
    page = kinesis.get_records(ShardIterator=iterator(first, "TRIM_HORIZON"), Limit=3)
    return [len(page["Records"]), page["MillisBehindLatest"] > 0]


@step("a bad iterator")
def _():
    return kinesis.get_records(ShardIterator="bm9uc2Vuc2U=")["Records"]


@step("a missing shard")
def _():
    return iterator("shardId-000000000099", "LATEST")


@step("a missing stream")
def _():
    return kinesis.put_record(StreamName="missing", PartitionKey="a", Data=b"x")["ShardId"]


@step("501 records")
def _():
    return put(*[("a", "x")] * 501)["FailedRecordCount"]


@step("too large")
def _():
    return put(("good", "good"), ("a", "x" * 1_048_577))["FailedRecordCount"]


@step("an explicit hash key")
def _():
    return kinesis.put_record(StreamName=stream, PartitionKey="key-0", Data=b"x", ExplicitHashKey="0")["ShardId"] == first


@step("split")
def _():
    middle = str(1 << 126)
    kinesis.split_shard(StreamName=stream, ShardToSplit=first, NewStartingHashKey=middle)
    until_active()
    listed = shards()
    return [[shard.get("ParentShardId"), "EndingSequenceNumber" in shard["SequenceNumberRange"]] for shard in listed]


@step("the end of a closed shard")
def _():
    at, answers = iterator(first, "TRIM_HORIZON"), 0
    while at is not None and answers < 20:
        page = kinesis.get_records(ShardIterator=at)
        at, answers = page.get("NextShardIterator"), answers + 1
    return [at, [[child["ShardId"], child["ParentShards"]] for child in page.get("ChildShards", [])]]


@step("merge")
def _():
    kinesis.merge_shards(StreamName=stream, ShardToMerge=shards()[2]["ShardId"], AdjacentShardToMerge=shards()[3]["ShardId"])
    until_active()
    merged = shards()[-1]
    return [merged["ShardId"], merged["ParentShardId"], merged["AdjacentParentShardId"]]


@step("a merge of closed shards")
def _():
    kinesis.merge_shards(StreamName=stream, ShardToMerge=first, AdjacentShardToMerge=second)


@step("open shards")
def _():
    return [shard["ShardId"] for shard in shards(ShardFilter={"Type": "AT_LATEST"})]


@step("shards at the horizon")
def _():
    return [shard["ShardId"] for shard in shards(ShardFilter={"Type": "AT_TRIM_HORIZON"})]


@step("scaled")
def _():
    answer = kinesis.update_shard_count(StreamName=stream, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    until_active()
    return [answer["CurrentShardCount"], answer["TargetShardCount"], len(shards(ShardFilter={"Type": "AT_LATEST"}))]


@step("scaled too far")
def _():
    return kinesis.update_shard_count(StreamName=stream, TargetShardCount=9, ScalingType="UNIFORM_SCALING")["TargetShardCount"]


@step("pages of shards")
def _():
    page, count = kinesis.list_shards(StreamName=stream, MaxResults=2), 0
    while True:
        count += len(page["Shards"])
        if "NextToken" not in page:
            return count == len(shards())
        page = kinesis.list_shards(NextToken=page["NextToken"], MaxResults=2)


@step("retention")
def _():
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=48)
    until_active()
    return kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["RetentionPeriodHours"]


@step("a shorter retention by the call for a longer one")
def _():
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=30)


@step("created twice")
def _():
    kinesis.create_stream(StreamName=stream, ShardCount=1)


@step("on demand")
def _():
    kinesis.create_stream(StreamName="demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.get_waiter("stream_exists").wait(StreamName="demand", WaiterConfig={"Delay": 1})
    return len(kinesis.list_shards(StreamName="demand")["Shards"])


@step("an on-demand stream is not scaled")
def _():
    return kinesis.update_shard_count(StreamName="demand", TargetShardCount=8, ScalingType="UNIFORM_SCALING")["TargetShardCount"]


@step("listed")
def _():
    return sorted(kinesis.list_streams()["StreamNames"])


@step("deleted")
def _():
    kinesis.delete_stream(StreamName=stream)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    return kinesis.list_streams()["StreamNames"]


dynamo.create_table(
    TableName="leases",
    KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
dynamo.get_waiter("table_exists").wait(TableName="leases", WaiterConfig={"Delay": 1})


def take(owner):
    dynamo.update_item(
        TableName="leases",
        Key={"leaseKey": {"S": "shard"}},
        UpdateExpression="SET leaseOwner = :owner",
        ConditionExpression="attribute_not_exists(leaseOwner)",
        ExpressionAttributeValues={":owner": {"S": owner}},
    )


@step("taken")
def _():
    take("one")
    return dynamo.get_item(TableName="leases", Key={"leaseKey": {"S": "shard"}}, ConsistentRead=True)["Item"]["leaseOwner"]["S"]


@step("taken twice")
def _():
    take("two")


print(json.dumps(seen))
