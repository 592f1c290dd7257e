import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { isStreamError, text } from "../../../../src/index.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";
import { SOON_MS, consume, sendUntilRefused } from "./in-use.ts";

const LATER = { timeout: 30_000 };
const [KEY, OTHER_KEY] = ["YQ==", "Yg=="];

/** With the key itself, or with a signature that was made by it. */
function credentials(world: EventHubsWorld, form: string, key: string): string {
  const { connectionString } = world.emulator;
  if (form === "key") return connectionString.replace(`SharedAccessKey=${KEY}`, `SharedAccessKey=${key}`);
  const endpoint = /Endpoint=([^;]+)/.exec(connectionString)![1]!;
  const [resource, expiry] = [encodeURIComponent(endpoint), Math.floor(Date.now() / 1_000) + 3_600];
  const signature = createHmac("sha256", key).update(`${resource}\n${expiry}`).digest("base64");
  const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=all`;
  return `Endpoint=${endpoint};SharedAccessSignature=${token}`;
}

test.each([
  ["key", "is given anew"],
  ["key", "is restored"],
  ["signature", "is given anew"],
  ["signature", "is restored"],
])("a %s that is revoked in use stops everybody at once, and nothing is lost when it %s", GENEROUS, async (form, then) => {
  await using world = await EventHubsWorld.start({ policies: { all: { key: KEY } } });
  const connection = await world.connect({ connectionString: credentials(world, form, KEY) });
  const [handled, stored]: [string[], string[]] = [[], []];
  const { running } = consume(connection, handled);
  const sending = sendUntilRefused(connection, stored);
  await expect.poll(() => handled.length, LATER).toBeGreaterThan(10);
  world.emulator.replaceKey("all", OTHER_KEY);
  const revokedMs = performance.now();
  const refused = await sending;
  // One that was on its way when the links ended may be stored.
  const { error } = refused;
  expect(isStreamError(error, "outcome-unknown") ? error.cause : error).toMatchObject({ code: "unauthenticated" });
  await expect(running).rejects.toMatchObject({ code: "unauthenticated" });
  const reading = (async () => {
    for await (const { value } of connection.topic("flights", { codec: text() }).reader({ until: "now" })) expect(value).toBeDefined();
  })();
  await expect(reading).rejects.toMatchObject({ code: "unauthenticated" });
  expect(performance.now() - revokedMs).toBeLessThan(SOON_MS);
  if (then === "is restored") world.emulator.replaceKey("all", KEY);
  const next = then === "is restored" ? connection : await world.connect({ connectionString: credentials(world, form, OTHER_KEY) });
  const again = consume(next, handled);
  const producer = next.topic("flights", { codec: text() }).producer();
  for (const value of [refused.value, "last"]) {
    await producer.send({ key: "LH400", value });
    stored.push(value);
  }
  await expect.poll(() => [...new Set(handled)], LATER).toEqual(stored);
  await again.consumer.close();
  await again.running;
});

test(
  "a key of the storage account that is revoked in use is a coded error, and nothing is lost when it is restored",
  GENEROUS,
  async () => {
    await using world = await EventHubsWorld.start();
    const connection = await world.connect();
    const handled: string[] = [];
    const { running } = consume(connection, handled);
    const producer = connection.topic("flights", { codec: text() }).producer();
    await producer.send({ key: "LH400", value: "1" });
    await expect.poll(() => handled, LATER).toEqual(["1"]);
    for (const call of ["ReadBlob", "ListBlobs", "WriteBlob", "WriteCheckpoint"] as const)
      world.emulator.answerWith({ call, status: 403, times: 1_000 });
    await producer.send({ key: "LH400", value: "2" });
    await expect(running).rejects.toMatchObject({ code: "permission-denied" });
    world.emulator.clearFaults();
    const again = consume(connection, handled);
    await producer.send({ key: "LH400", value: "3" });
    await expect.poll(() => [...new Set(handled)], LATER).toEqual(["1", "2", "3"]);
    await again.consumer.close();
    await again.running;
  },
);
