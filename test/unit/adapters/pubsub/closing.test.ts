import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PubSubConnection } from "../../../../adapters/pubsub/client/pubsub-connection.ts";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { activeResources, addedResources } from "../../../../src/conformance/active-resources.ts";

// One for all tests: the sockets of one that ends would hide those that another test leaves.
let emulator: EmulatedPubSub;
beforeAll(async () => (emulator = await startEmulatedPubSub()));
afterAll(async () => emulator.close());

/** When a connection is closed: after turns of the event loop, and steps within a turn. */
const TURNS = [0, 1, 2, 3];
const STEPS = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89];

const USES: Readonly<Record<string, (connection: PubSubConnection) => Promise<unknown>>> = {
  "a request": (connection) =>
    connection.publisher("listTopics", { project: `projects/${emulator.project}` }, "", { operation: "ListTopics" }, connection.closing),
  "a stream": async (connection) => {
    const call = await connection.stream(`projects/${emulator.project}/subscriptions/none`);
    call.on("error", () => undefined);
    connection.closing.addEventListener("abort", () => call.cancel(), { once: true });
  },
  "a question for permissions": (connection) =>
    connection.permitted(`projects/${emulator.project}/topics/none`, ["pubsub.topics.get"], connection.closing),
};

test.each(Object.entries(USES))("%s that begins when its connection is closed leaves no socket", async (_name, use) => {
  const before = activeResources();
  for (const turns of TURNS) {
    for (const steps of STEPS) {
      const connection = new PubSubConnection({ project: emulator.project, endpoint: `http://${emulator.apiEndpoint}` }, silent);
      use(connection).catch(() => undefined);
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      await connection.close();
    }
  }
  await expect.poll(() => addedResources(before).filter((added) => added.startsWith("TCPSocketWrap")), { timeout: 3_000 }).toEqual([]);
});

const silent = Object.assign(() => undefined, { wants: () => false });
