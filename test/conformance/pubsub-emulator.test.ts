import { expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { rawClients } from "../unit/localstack/pubsub/raw-clients.ts";
import { expectSuite } from "./expect-suite.ts";

test("an emulated Pub/Sub passes completely", { timeout: 600_000 }, async () => {
  await using emulator = await startEmulatedPubSub();
  await expectSuite("pubsub-emulator", { url: emulator.url, emulator });
  expect(await whatIsLeft(emulator)).toEqual({ topics: [], groups: [], snapshots: [] });
});

/** As another client sees it, but what a reader whose connection was closed within milliseconds leaves to the service, which removes it after a day. */
async function whatIsLeft(emulator: EmulatedPubSub): Promise<object> {
  await using clients = rawClients(emulator);
  const project = `projects/${emulator.project}`;
  const [topics] = await clients.publisher.listTopics({ project });
  const [subscriptions] = await clients.subscriber.listSubscriptions({ project });
  const [snapshots] = await clients.subscriber.listSnapshots({ project });
  return {
    topics,
    groups: subscriptions.filter(
      ({ labels, expirationPolicy }) => labels?.["streamport-owner"] !== "reader" || Number(expirationPolicy?.ttl?.seconds) !== 86_400,
    ),
    snapshots: snapshots.filter(({ labels }) => labels?.["streamport-owner"] !== "mark"),
  };
}
