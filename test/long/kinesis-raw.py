"""Reads all records of a stream with Amazon's own client, and stores its own ones behind them.

Arguments: the endpoint, and the stream. On standard input: an array of JSON with the records to store, each [key, base64]. It prints what it has read first:
for each shard an array of [key, base64], in their order.
"""

import base64
import json
import sys

import boto3

endpoint, stream = sys.argv[1:]
kinesis = boto3.client("kinesis", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any")


def read(shard):
    start = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    page = kinesis.get_records(ShardIterator=start["ShardIterator"])
    return [[record["PartitionKey"], base64.b64encode(record["Data"]).decode()] for record in page["Records"]]


print(json.dumps([read(shard["ShardId"]) for shard in kinesis.list_shards(StreamName=stream)["Shards"]]))
for key, text in json.load(sys.stdin):
    kinesis.put_record(StreamName=stream, PartitionKey=key, Data=base64.b64decode(text))
