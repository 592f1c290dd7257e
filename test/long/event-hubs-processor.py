"""A processor of the vendor's client for Python, with its checkpoints in blobs: handles so many events, prints their bodies, and ends."""
import os
import sys
import threading

from azure.eventhub import EventHubConsumerClient
from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore

count = int(sys.argv[1])
handled = []
done = threading.Event()


def received(context, event):
    if event is None:
        return
    # In this order: partitions have threads of their own, and the last one ends the program.
    context.update_checkpoint(event)
    handled.append(event.body_as_str())
    if len(handled) >= count:
        done.set()


store = BlobCheckpointStore.from_connection_string(os.environ["STORAGE"], os.environ["CONTAINER"])
client = EventHubConsumerClient.from_connection_string(
    os.environ["EVENT_HUBS"],
    "billing",
    eventhub_name="orders",
    checkpoint_store=store,
    load_balancing_interval=1,
    partition_ownership_expiration_interval=6,
)
thread = threading.Thread(target=lambda: client.receive(received, starting_position="-1", max_wait_time=1))
thread.start()
done.wait(60)
client.close()
thread.join(30)
print("\n".join(handled))
