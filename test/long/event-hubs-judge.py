"""Judges an emulated Event Hubs by the client of Python, whose AMQP stack has nothing in common with that of JavaScript.

Prints a line of JSON for each check, and for each fault that it wants; it goes on when a line comes back.
"""

import datetime
import json
import os
import subprocess
import sys
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage
from azure.eventhub.exceptions import EventHubError
from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore

CONNECTION = os.environ["EVENT_HUBS"]
STORAGE = os.environ["STORAGE"]
CONTAINER = os.environ["CONTAINER"]
HUB = "orders"
PATIENCE_SECONDS = 60


def say(line):
    print(json.dumps(line, default=str), flush=True)


def check(name, ok, detail=None):
    say({"check": name, "ok": bool(ok), "detail": str(detail)})


def inject(**fault):
    say({"inject": {"topic": HUB, **fault}})
    sys.stdin.readline()


def until(condition):
    deadline = time.time() + PATIENCE_SECONDS
    while not condition() and time.time() < deadline:
        time.sleep(0.02)
    return condition()


def consumer(group="$Default", **options):
    return EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group=group, eventhub_name=HUB, retry_total=0, **options)


def producer(**options):
    return EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=HUB, **options)


def read(partition, count, **options):
    """The events of a partition, and the first error."""
    client, events, errors, ends = consumer(), [], [], []

    def received(context, event):
        events.append(event)
        ends.append(context.last_enqueued_event_properties)

    def run():
        client.receive(received, partition_id=partition, on_error=lambda _, error: errors.append(error), **options)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: len(events) >= count or errors)
    client.close()
    thread.join(10)
    return events, errors, ends


def publishing(sender):
    check("the properties of the hub", sender.get_eventhub_properties()["partition_ids"] == ["0", "1", "2", "3"])
    empty = sender.get_partition_properties("0")
    check("an empty partition", empty["is_empty"] and empty["last_enqueued_sequence_number"] == -1, empty)
    batch = sender.create_batch(partition_id="0")
    check("the largest message", batch.max_size_in_bytes == 1_048_576, batch.max_size_in_bytes)
    for count in range(100):
        batch.add(EventData(f"event {count}".encode()))
    sender.send_batch(batch)
    event = EventData(b"with properties")
    event.properties = {"text": "x", b"bytes": b"\x00\xff", "int": 2**30, "yes": True, "half": 1.5}
    event.message_id, event.content_type = "id", "text/plain"
    sender.send_event(event, partition_id="0")
    sender.send_event(EventData(b"a single event"), partition_key="key")
    sender.send_batch([EventData(b"a batch")], partition_key="key")
    sender.send_event(AmqpAnnotatedMessage(value_body={"a": [1, 2]}), partition_id="1")
    sender.send_event(AmqpAnnotatedMessage(sequence_body=[1, "two"]), partition_id="1")
    sender.send_event(EventData(b"x" * 900_000), partition_id="1")
    filled = sender.get_partition_properties("0")
    check("a filled partition", filled["last_enqueued_sequence_number"] == 100 and not filled["is_empty"], filled)


def reading(sender):
    events, errors, _ = read("0", 101, starting_position="-1")
    texts = [event.body_as_str() for event in events[:100]]
    check("events in order", texts == [f"event {count}" for count in range(100)], errors)
    check("sequence numbers", [event.sequence_number for event in events] == list(range(101)))
    expected = {b"text": b"x", b"bytes": b"\x00\xff", b"int": 2**30, b"yes": True, b"half": 1.5}
    last = events[-1]
    check("properties", last.properties == expected and last.message_id == "id" and last.content_type == "text/plain", last.properties)
    others, errors, _ = read("1", 3, starting_position="-1")
    kinds = [event.body_type.value for event in others]
    check("kinds of bodies", kinds == ["value", "sequence", "data"] and len(b"".join(others[2].body)) == 900_000, (kinds, errors))
    offset = events[50].offset
    for position, inclusive, first in [(99, False, 100), (99, True, 99), (offset, False, 51), (offset, True, 50)]:
        found, errors, _ = read("0", 1, starting_position=position, starting_position_inclusive=inclusive)
        check(f"from {position}, inclusive {inclusive}", found and found[0].sequence_number == first, errors)
    moment = last.enqueued_time - datetime.timedelta(milliseconds=1)
    found, errors, _ = read("0", 1, starting_position=moment)
    check("from a time", found and found[0].enqueued_time >= moment, errors)
    _, errors, _ = read("0", 1, starting_position=5_000)
    check("beyond the end", errors and "'5000' is invalid. The last sequence number in the system is '100'" in str(errors[0]), errors)
    _, errors, ends = read("0", 1, starting_position="-1", track_last_enqueued_event_properties=True)
    check("the end of the partition", ends and ends[0]["sequence_number"] == 100, (ends[:1], errors))
    keyed = {}
    for partition in ["0", "1", "2", "3"]:
        count = sender.get_partition_properties(partition)["last_enqueued_sequence_number"] + 1
        found = read(partition, count, starting_position="-1")[0] if count else []
        keyed[partition] = [event.body_as_str() for event in found if event.partition_key == b"key"]
    check("one partition for a key", sorted(keyed.values())[-1] == ["a single event", "a batch"], keyed)


def failing(sender):
    for fault in ["throttle", "refuse-authorization", "fail-entry"]:
        inject(kind=fault, operation="publish", times=100)
        try:
            sender.send_event(EventData(b"refused"), partition_id="2")
            check(fault, False)
        except EventHubError as error:
            check(fault, True, error)
        say({"clear": True})
        sys.stdin.readline()
    with producer(retry_total=3, retry_backoff_factor=0.05) as patient:
        for fault in ["disconnect", "restart", "fail-before-write", "fail-after-write"]:
            inject(kind=fault, operation="publish")
            patient.send_event(EventData(fault.encode()), partition_id="2")
        found = [event.body_as_str() for event in read("2", 5, starting_position="-1")[0]]
        check("what was retried is stored", list(dict.fromkeys(found)) == ["disconnect", "restart", "fail-before-write", "fail-after-write"], found)
    for hub, connection in [("nowhere", CONNECTION), (HUB, CONNECTION.replace("SharedAccessKey=", "SharedAccessKey=x"))]:
        try:
            with EventHubProducerClient.from_connection_string(connection, eventhub_name=hub, retry_total=0) as wrong:
                wrong.send_event(EventData(b"x"))
            check(f"refused: {hub}", False)
        except EventHubError as error:
            check(f"refused: {hub}", True, error)


def owning():
    client, events, errors = consumer(), [], []
    options = {"partition_id": "0", "owner_level": 1, "starting_position": "-1", "on_error": lambda _, error: errors.append(error)}
    thread = threading.Thread(target=lambda: client.receive(lambda _, event: events.append(event), **options))
    thread.start()
    until(lambda: events)
    found, higher, _ = read("0", 1, starting_position="-1", owner_level=2)
    check("a higher epoch", found, higher)
    check("ends a lower one", until(lambda: errors) and "higher epoch of '2'" in str(errors[0]), errors[:1])
    client.close()
    thread.join(10)
    killed = subprocess.Popen([sys.executable, __file__, "hold"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    killed.stdout.readline()
    killed.kill()
    killed.wait()
    found, errors, _ = read("0", 1, starting_position="-1", owner_level=1)
    check("a receiver that was killed is in nobody's way", found, errors)


def hold():
    """Reads with a high epoch until it is killed."""
    client = consumer()
    client.receive(lambda *_: print("reads", flush=True), partition_id="0", owner_level=9, starting_position="-1")


def processing():
    def processor():
        store = BlobCheckpointStore.from_connection_string(STORAGE, CONTAINER)
        client = consumer("billing", checkpoint_store=store, load_balancing_interval=1, partition_ownership_expiration_interval=6)
        handled, owned = [], set()

        def received(context, event):
            handled.append(event.body_as_str())
            context.update_checkpoint(event)

        options = {
            "on_partition_initialize": lambda context: owned.add(context.partition_id),
            "on_partition_close": lambda context, _: owned.discard(context.partition_id),
            "starting_position": "@latest",
        }
        threading.Thread(target=lambda: client.receive(received, **options)).start()
        return client, handled, owned

    def publish(text):
        with producer() as sender:
            for partition in ["0", "1", "2", "3"]:
                sender.send_batch([EventData(f"{text} {partition}".encode())], partition_id=partition)

    first, first_handled, first_owned = processor()
    check("a processor gets all partitions", until(lambda: len(first_owned) == 4), first_owned)
    time.sleep(1)
    publish("one")
    check("and their events", until(lambda: len(first_handled) == 4), first_handled)
    second, second_handled, second_owned = processor()
    check("two share them", until(lambda: len(first_owned) == 2 and len(second_owned) == 2), (first_owned, second_owned))
    first.close()
    publish("two")
    check("one takes over", until(lambda: len(second_owned) == 4), second_owned)
    publish("three")
    check("from the checkpoints on", until(lambda: len({*first_handled, *second_handled}) == 12), (first_handled, second_handled))
    check("without what was handled", not {text for text in second_handled if text.startswith("one")}, second_handled)
    second.close()


if sys.argv[1:] == ["hold"]:
    hold()
else:
    with producer(retry_total=0) as shared:
        publishing(shared)
        reading(shared)
        failing(shared)
    owning()
    processing()
    say({"end": True})
