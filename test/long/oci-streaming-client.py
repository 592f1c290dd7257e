"""Uses a service of OCI Streaming with Oracle's own client, and prints what it has seen, as one object of JSON.

Arguments: the configuration file, the endpoint of the administration, the stream pool, the namespace and the bucket.
"""

import base64
import datetime
import json
import sys
import time

import oci
from oci.streaming import models

config_file, endpoint, pool, namespace, bucket = sys.argv[1:]
config = oci.config.from_file(config_file)
once = oci.retry.NoneRetryStrategy()
seen = {}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def decoded(text):
    return base64.b64decode(text).decode()


def refusal(call):
    try:
        call()
    except oci.exceptions.ServiceError as error:
        return [error.status, error.code]
    return "done"


admin = oci.streaming.StreamAdminClient(config, service_endpoint=endpoint, retry_strategy=once)
waiting = oci.streaming.StreamAdminClientCompositeOperations(admin)
fast = {"max_interval_seconds": 1}
for name in ("flights", "orders"):
    details = models.CreateStreamDetails(name=name, partitions=2, stream_pool_id=pool)
    created = waiting.create_stream_and_wait_for_state(details, wait_for_states=["SUCCEEDED"], waiter_kwargs=fast)
    seen["created"] = created.data.status
listed = oci.pagination.list_call_get_all_results(admin.list_streams, stream_pool_id=pool, limit=1).data
seen["listed"] = sorted(stream.name for stream in listed)
stream = next(stream for stream in listed if stream.name == "flights")
client = oci.streaming.StreamClient(config, service_endpoint=stream.messages_endpoint, retry_strategy=once)

entries = [models.PutMessagesDetailsEntry(key=encoded(f"key-{count % 5}"), value=encoded(f"value-{count}")) for count in range(20)]
put = client.put_messages(stream.id, models.PutMessagesDetails(messages=entries)).data
seen["failures"] = put.failures
by_key = {}
for partition in ("0", "1"):
    cursor = client.create_cursor(stream.id, models.CreateCursorDetails(partition=partition, type="TRIM_HORIZON")).data.value
    while True:
        page = client.get_messages(stream.id, cursor, limit=4)
        if not page.data:
            break
        for message in page.data:
            by_key.setdefault(decoded(message.key), []).append(int(decoded(message.value).split("-")[1]))
        cursor = page.headers["opc-next-cursor"]
        # Five reads a second.
        time.sleep(0.25)
seen["read"] = by_key

minute_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
by_time = client.create_cursor(stream.id, models.CreateCursorDetails(partition="0", type="AT_TIME", time=minute_ago)).data.value
after = client.create_cursor(stream.id, models.CreateCursorDetails(partition="0", type="AFTER_OFFSET", offset=0)).data.value
time.sleep(1)
seen["at time"] = client.get_messages(stream.id, by_time, limit=1).data[0].offset
seen["after offset"] = client.get_messages(stream.id, after, limit=1).data[0].offset
beyond = models.CreateCursorDetails(partition="0", type="AT_OFFSET", offset=99)
seen["beyond the end"] = refusal(lambda: client.create_cursor(stream.id, beyond))
seen["too often"] = refusal(lambda: [client.get_messages(stream.id, after) for _ in range(9)])
large = models.PutMessagesDetailsEntry(value=base64.b64encode(b"x" * 1_048_577).decode())
seen["too large"] = refusal(lambda: client.put_messages(stream.id, models.PutMessagesDetails(messages=[large])))
seen["missing stream"] = refusal(lambda: admin.get_stream("ocid1.stream.oc1.phx.none"))
stranger = {**config, "fingerprint": ":".join(["00"] * 16)}
unknown = oci.streaming.StreamAdminClient(stranger, service_endpoint=endpoint, retry_strategy=once)
seen["another key"] = refusal(lambda: unknown.list_streams(stream_pool_id=pool))

details = models.CreateGroupCursorDetails(group_name="billing", instance_name="one", type="TRIM_HORIZON", commit_on_get=False)
page = client.get_messages(stream.id, client.create_group_cursor(stream.id, details).data.value)
committed = client.consumer_commit(stream.id, page.headers["opc-next-cursor"]).data.value
client.consumer_heartbeat(stream.id, committed)
reservations = client.get_group(stream.id, "billing").data.reservations
seen["committed"] = [r.committed_offset for r in reservations if r.partition == page.data[0].partition] == [page.data[-1].offset]

objects = oci.object_storage.ObjectStorageClient(config, service_endpoint=endpoint, retry_strategy=once)
seen["namespace"] = objects.get_namespace().data == namespace
name = "group/ä b+c/0"
first = objects.put_object(namespace, bucket, name, b"one", if_none_match="*").headers["etag"]
seen["created twice"] = refusal(lambda: objects.put_object(namespace, bucket, name, b"two", if_none_match="*"))
second = objects.put_object(namespace, bucket, name, b"two", if_match=first).headers["etag"]
seen["swapped by an old tag"] = refusal(lambda: objects.put_object(namespace, bucket, name, b"three", if_match=first))
got = objects.get_object(namespace, bucket, name)
seen["object"] = [got.data.content.decode(), got.headers["etag"] == second, first != second]
for count in range(5):
    objects.put_object(namespace, bucket, f"list/{count}", b"x")
pages = oci.pagination.list_call_get_all_results(objects.list_objects, namespace, bucket, prefix="list/", limit=2, fields="name,size")
seen["objects"] = [[item.name, item.size] for item in pages.data.objects]
seen["deleted by an old tag"] = refusal(lambda: objects.delete_object(namespace, bucket, name, if_match=first))
objects.delete_object(namespace, bucket, name, if_match=second)
seen["deleted object"] = refusal(lambda: objects.head_object(namespace, bucket, name))[0]

session = oci.config.from_file(config_file, "SESSION")
with open(session["security_token_file"]) as file:
    token = file.read()
signer = oci.auth.signers.SecurityTokenSigner(token, oci.signer.load_private_key_from_file(session["key_file"]))
by_session = oci.streaming.StreamAdminClient({"region": session["region"]}, signer=signer, service_endpoint=endpoint, retry_strategy=once)
seen["by session"] = len(by_session.list_streams(stream_pool_id=pool).data)

deleted = waiting.delete_stream_and_wait_for_state(stream.id, wait_for_states=["SUCCEEDED"], waiter_kwargs=fast)
seen["deleted"] = [deleted.data.status, admin.get_stream(stream.id).data.lifecycle_state]
print(json.dumps(seen))
