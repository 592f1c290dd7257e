import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { Random } from "../../src/conformance/history/random.ts";
import { type CopyResult, copy } from "../../src/migration/index.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { MortalProcess } from "./mortal-process.ts";
import { FORMS, type Form, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

const OPTIONS = { batchMessages: 20, checkpointEveryMs: 1, sessionTimeoutMs: 20_000 } as const;
const KEYS = keysOf(11);
const EACH = 80;

const pairs: readonly (readonly [Form, Form])[] = [
  ...FORMS.map((form) => [form, "kafka"] as const),
  ...FORMS.filter((form) => form !== "kafka").map((form) => ["kafka", form] as const),
];

for (const keepsCheckpoints of [true, false]) {
  // Without checkpoints the target is read from its beginning, whatever the two are.
  test.concurrent.for(keepsCheckpoints ? pairs : pairs.slice(0, 3))(
    `M10 a copy from memory like %s to memory like %s that is killed at any step loses, reorders and repeats nothing, ${keepsCheckpoints ? "with" : "without"} checkpoints`,
    async ([from, to], context) => {
      const { expect } = context;
      const random = new Random(crc32(`${from} ${to} ${keepsCheckpoints}`));
      const source = await memorySide(context, from, "flights", 3);
      const target = await memorySide(context, to, "departures", 4);
      await produce(source, KEYS, EACH);
      const checkpoints = memoryCheckpoints();
      let deaths = 0;
      for (let life = 0; life < 10; life += 1) {
        const process = new MortalProcess(random.between(1, 14));
        const copied = copy(
          { connection: await process.connect(source.emulator.url), topic: source.topic },
          { connection: await process.connect(target.emulator.url), topic: target.topic },
          { ...OPTIONS, checkpoints: keepsCheckpoints ? process.checkpoints(checkpoints) : undefined },
        ).catch(() => null);
        const ended = await Promise.race([process.dead, copied]);
        if (ended === undefined) deaths += 1;
        await process.bury();
      }
      expect(deaths).toBeGreaterThan(3);
      const last: CopyResult = await copy(source, target, { ...OPTIONS, checkpoints: keepsCheckpoints ? checkpoints : undefined });
      const messages = await messagesOf(target);
      expect(valuesByKey(messages)).toEqual(
        Object.fromEntries(KEYS.map((key) => [key, Array.from({ length: EACH }, (_, index) => `${key}:${index}`)])),
      );
      expect(last.copied).toBeLessThanOrEqual(messages.length);
      expectDenseOrdinals(messages, source.connection.capabilities.orderingUnit === "partition");
    },
  );
}

/** In each source partition the ordinals count from 1, and rise with the positions. */
function expectDenseOrdinals(messages: Awaited<ReturnType<typeof messagesOf>>, hasOrdinals: boolean): void {
  const ordinals: Record<string, number[]> = {};
  for (const { raw } of messages) {
    const { partition, ordinal } = provenanceTrail(raw.headers).copies[0]!;
    if (!hasOrdinals) expect(ordinal).toBeNull();
    else (ordinals[partition] ??= []).push(Number(ordinal));
  }
  for (const some of Object.values(ordinals)) {
    expect(some.toSorted((a, b) => a - b)).toEqual(Array.from({ length: some.length }, (_, index) => index + 1));
  }
}
