import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, test } from "vitest";
import { consume, harness, sendTo } from "../unit/adapters/pubsub/harness.ts";

const reopened: string[] = [];
const heard = (event: unknown): void => void reopened.push((event as { readonly operation: string }).operation);

afterEach(() => {
  unsubscribe("streamport:retry", heard);
});

test(
  "a stream that no longer answers signs of life is replaced within a minute, and its member goes on",
  { timeout: 180_000 },
  async () => {
    await using under = await harness();
    const { values, close } = consume(under.connection, "silent");
    await sendTo(under.connection, ["0"], "k");
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["0"]);
    under.emulator.answerWith({ method: "KeepAlive", isUnanswered: true, times: 1_000 });
    subscribe("streamport:retry", heard);
    await expect.poll(() => reopened, { timeout: 100_000 }).toContain("StreamingPull");
    under.emulator.clearFaults();
    await sendTo(under.connection, ["1"], "k");
    await expect.poll(() => values, { timeout: 20_000 }).toEqual(["0", "1"]);
    await close();
  },
);
