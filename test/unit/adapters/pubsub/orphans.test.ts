import { afterEach, beforeEach, expect, test } from "vitest";
import { type Harness, flights, harness, sendTo } from "./harness.ts";

const DAY_MS = 86_400_000;

let under: Harness;

beforeEach(async () => {
  under = await harness();
});

afterEach(async () => {
  await under[Symbol.asyncDispose]();
});

async function subscriptions(): Promise<readonly string[]> {
  const [names] = await under.raw.publisher.listTopicSubscriptions({ topic: under.raw.topic("flights") }, { retry: null });
  return names;
}

test(
  "the service removes what a dead reader has left after a day, and never that of a reader which is there, however long it waits",
  { timeout: 30_000 },
  async () => {
    const dying = flights(under.connection).reader({ from: "latest" });
    await dying.bookmark();
    const orphans = await subscriptions();
    expect(orphans).toHaveLength(1);
    const waiting = flights(under.connection).reader({ from: "latest" });
    const next = waiting[Symbol.asyncIterator]().next();
    await waiting.bookmark();
    // As if its process had ended: nothing that it would still ask for is carried out.
    under.emulator.answerWith({ method: "DeleteSubscription", code: 7, times: 1_000 });
    await dying.close();
    under.emulator.clearFaults();
    expect(await subscriptions()).toHaveLength(2);
    under.emulator.advance(DAY_MS - 60_000);
    expect(await subscriptions()).toEqual(expect.arrayContaining([...orphans]));
    under.emulator.advance(2 * DAY_MS);
    const left = await subscriptions();
    expect(left).toHaveLength(1);
    expect(left).not.toEqual(orphans);
    await sendTo(under.connection, ["0"], "k");
    expect((await next).value).toMatchObject({ value: "0" });
    await waiting.close();
    expect(await subscriptions()).toEqual([]);
  },
);
