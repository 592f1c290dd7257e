import { test } from "vitest";
import { connect } from "../../src/index.ts";
import { copy, verify } from "../../src/migration/index.ts";
import { FrozenWrites } from "./frozen-writes.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

const KEYS = keysOf(11);
const EACH = 60;

const cases = (["kafka", "kinesis", "event-hubs"] as const).flatMap((from) =>
  (["kafka", "kinesis", "pubsub"] as const).flatMap((to) => [2, 5].map((writes) => [from, to, writes] as const)),
);

test.concurrent.for(cases)(
  "a copier from memory like %s to memory like %s that is stopped between its last check and its write %i writes late only what the new owner repeats",
  async ([from, to, writes], context) => {
    const { expect } = context;
    const source = await memorySide(context, from, "flights", 4);
    const target = await memorySide(context, to, "departures", 3);
    await produce(source, KEYS, EACH);
    const frozen = new FrozenWrites(writes);
    const sides = [await connect(source.emulator.url), await frozen.connect(target.emulator.url)] as const;
    context.onTestFinished(async () => void (await Promise.all(sides.map((side) => side.close({ timeoutMs: 500 })))));
    const options = { checkpoints: memoryCheckpoints(), checkpointEveryMs: 5, batchMessages: 15, sessionTimeoutMs: 20_000 };
    const first = copy({ connection: sides[0], topic: source.topic }, { connection: sides[1], topic: target.topic }, options).catch(
      () => null,
    );
    await frozen.frozen;
    // The group does not hear of it any more, and gives its partitions to another one.
    const gone = sides[0].close({ timeoutMs: 1 });
    await copy(source, target, options);
    frozen.thaw();
    await Promise.all([first, gone]);
    await produce(source, KEYS, 5, EACH);
    await copy(source, target, options);
    const all = KEYS.length * (EACH + 5);

    expect(frozen.late).toBeGreaterThan(0);
    const values = valuesByKey(await messagesOf(target));
    const firsts = Object.fromEntries(Object.entries(values).map(([key, some]) => [key, [...new Set(some)]]));
    expect(firsts).toEqual(valuesByKey(await messagesOf(source)));
    const duplicates = Object.values(values).flat().length - all;
    expect(duplicates).toBeGreaterThan(0);
    expect(await verify(source, target)).toEqual({
      equal: true,
      sourceMessages: all,
      targetMessages: all,
      missing: 0,
      extra: 0,
      changed: 0,
      duplicates,
      outOfOrder: 0,
      firstDifference: null,
    });
  },
);
