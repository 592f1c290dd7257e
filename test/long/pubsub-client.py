"""Uses a Pub/Sub with Google's own client, and prints what it has seen, as one object of JSON.

Arguments: the project. The environment names the emulator (PUBSUB_EMULATOR_HOST).
"""

import json
import sys
import threading

from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1 import types
from google.cloud.pubsub_v1.subscriber import exceptions as subscriber_exceptions
from google.protobuf import duration_pb2, timestamp_pb2

(project,) = sys.argv[1:]
seen = {}
publisher = pubsub_v1.PublisherClient(
    publisher_options=types.PublisherOptions(enable_message_ordering=True),
    batch_settings=types.BatchSettings(max_messages=50),
)
subscriber = pubsub_v1.SubscriberClient()
topic = publisher.topic_path(project, "flights")
missing_topic = publisher.topic_path(project, "none")
missing = subscriber.subscription_path(project, "none")
ordered = subscriber.subscription_path(project, "ordered")
exactly_once = subscriber.subscription_path(project, "exactly-once")
ORDERED = {"topic": topic, "enable_message_ordering": True}
COUNT = 400


def refusal(call):
    try:
        call()
    except exceptions.GoogleAPICallError as error:
        return type(error).__name__
    return "done"


def received(subscription, settle, count=COUNT):
    """The numbers of each key, in the order of handling, and what settling them said."""
    by_key, results, over = {}, [], threading.Event()

    def handle(message):
        by_key.setdefault(message.ordering_key, []).append(int(message.data))
        results.append(settle(message))
        if len(results) == count:
            over.set()

    stream = subscriber.subscribe(subscription, callback=handle, flow_control=types.FlowControl(max_messages=100))
    complete = over.wait(60)
    outcomes = {}
    for result in results if complete else []:
        if result is None:
            continue
        try:
            outcome = result.result(timeout=30).name
        except subscriber_exceptions.AcknowledgeError as error:
            outcome = error.error_code.name
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    stream.cancel()
    stream.result(timeout=30)
    in_order = all(numbers == sorted(numbers) for numbers in by_key.values())
    return {"messages": len(results), "keys": len(by_key), "in order": in_order, "outcomes": outcomes}


retention = duration_pb2.Duration(seconds=3600)
publisher.create_topic(request={"name": topic, "message_retention_duration": retention})
seen["created twice"] = refusal(lambda: publisher.create_topic(request={"name": topic}))
subscriber.create_subscription(request={"name": ordered, **ORDERED})
subscriber.create_subscription(request={"name": exactly_once, **ORDERED, "enable_exactly_once_delivery": True})
sent = [publisher.publish(topic, str(number).encode(), ordering_key=f"key-{number % 4}", number=str(number)) for number in range(COUNT)]
seen["ids"] = len({result.result(timeout=30) for result in sent})
seen["ordered"] = received(ordered, lambda message: message.ack())
seen["exactly once"] = received(exactly_once, lambda message: message.ack_with_response())

subscriber.seek(request={"subscription": ordered, "time": timestamp_pb2.Timestamp(seconds=1)})
seen["replayed"] = received(ordered, lambda message: message.ack())


def pulled():
    return list(subscriber.pull(request={"subscription": ordered, "max_messages": 10}, timeout=30).received_messages)


publisher.publish(topic, b"1000", ordering_key="late").result(timeout=30)
[message] = pulled()
snapshot = subscriber.snapshot_path(project, "mark")
subscriber.create_snapshot(request={"name": snapshot, "subscription": ordered})
subscriber.acknowledge(request={"subscription": ordered, "ack_ids": [message.ack_id]})
subscriber.seek(request={"subscription": ordered, "snapshot": snapshot})
seen["restored"] = [message.message.data.decode() for message in pulled()]

seen["missing topic"] = refusal(lambda: publisher.publish(missing_topic, b"x").result(timeout=30))
seen["empty message"] = refusal(lambda: publisher.publish(topic, b"").result(timeout=30))
seen["missing subscription"] = refusal(lambda: subscriber.pull(request={"subscription": missing, "max_messages": 1}, timeout=30))
seen["missing stream"] = refusal(lambda: subscriber.subscribe(missing, callback=lambda _: None).result(timeout=30))
seen["topics"] = [found.name for found in publisher.list_topics(request={"project": f"projects/{project}"})]
seen["attached"] = list(publisher.list_topic_subscriptions(request={"topic": topic}))
seen["permitted"] = list(publisher.test_iam_permissions(request={"resource": topic, "permissions": ["pubsub.topics.get"]}).permissions)
print(json.dumps(seen))
