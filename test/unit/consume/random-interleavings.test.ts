import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { StoredRecord } from "../../../src/driver/record.ts";
import { assignment, bench, record, turns, until } from "./fake-driver.ts";

interface Scenario {
  readonly keys: readonly (string | null)[];
  readonly slices: readonly number[];
  /** Per message: 0 synchronous, else turns of the event loop; fails so often first. */
  readonly behaviour: readonly { readonly turns: number; readonly failures: number }[];
  readonly concurrency: number;
  readonly maxAhead: number;
  readonly maxBufferedBytes: number;
  readonly batches: boolean;
  readonly maxMessages: number;
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  keys: fc.array(fc.option(fc.constantFrom("a", "b", "c", "d"), { freq: 6 }), { minLength: 1, maxLength: 40 }),
  slices: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
  behaviour: fc.array(fc.record({ turns: fc.integer({ min: 0, max: 3 }), failures: fc.nat({ max: 2 }) }), { minLength: 1, maxLength: 12 }),
  concurrency: fc.integer({ min: 1, max: 5 }),
  maxAhead: fc.integer({ min: 1, max: 12 }),
  maxBufferedBytes: fc.integer({ min: 1, max: 200 }),
  batches: fc.boolean(),
  maxMessages: fc.integer({ min: 1, max: 7 }),
});

test("whatever the interleaving: order per key, no overlap, commits behind handled messages only, everything handled", async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (plan) => {
      const it = bench();
      const member = it.consumer({
        concurrency: plan.concurrency,
        maxAhead: plan.maxAhead,
        maxBufferedBytes: plan.maxBufferedBytes,
        batch: { maxMessages: plan.maxMessages },
        // Failures of the messages of one batch add up.
        retry: { maxAttempts: 50, initialDelayMs: 0, maxDelayMs: 1 },
      });
      const handled = new Set<number>();
      const left = plan.keys.map((_, index) => plan.behaviour[index % plan.behaviour.length]!.failures);
      const succeeded = new Map<string, number[]>();
      const busy = new Set<string>();
      let running = 0;
      const problems: string[] = [];

      const handle = (messages: readonly { readonly value: string; readonly key: string | null }[]): unknown => {
        const positions = messages.map(({ value }) => Number(value));
        const keys = new Set(messages.flatMap(({ key }) => key ?? []));
        for (const key of keys) if (busy.has(key)) problems.push(`two handlers of ${key}`);
        for (const key of keys) busy.add(key);
        running += 1;
        if (running > plan.concurrency) problems.push("more than concurrency");
        const finish = (): void => {
          running -= 1;
          for (const key of keys) busy.delete(key);
          const failing = positions.find((position) => left[position]! > 0);
          if (failing !== undefined) {
            left[failing]! -= 1;
            throw new Error("not yet");
          }
          for (const { key, value } of messages) {
            handled.add(Number(value));
            if (key !== null) succeeded.set(key, [...(succeeded.get(key) ?? []), Number(value)]);
          }
        };
        const wait = Math.max(...positions.map((position) => plan.behaviour[position % plan.behaviour.length]!.turns));
        return wait === 0 ? finish() : turns(wait).then(finish);
      };

      it.driver.onSettle = async (settlements) => {
        for (const { through, ahead } of settlements) {
          for (let position = 0; through !== null && position <= Number(through); position += 1) {
            if (!handled.has(position)) problems.push(`committed ${through} before ${position} was handled`);
          }
          for (let position = 0; ahead !== null && position <= Number(ahead.upTo); position += 1) {
            if (!handled.has(position) && !ahead.except.includes(String(position))) {
              problems.push(`committed ${JSON.stringify(ahead)} before ${position} was handled`);
            }
          }
        }
        await turns(1);
      };
      const run = plan.batches ? member.runBatches(handle) : member.run((message) => handle([message]));
      let failure: unknown = null;
      run.catch((error: unknown) => (failure = error));
      const mine = assignment();
      const sink = await it.sink();
      sink.assigned(mine);
      const all: StoredRecord[] = plan.keys.map((key, position) => record(position, key));
      for (let at = 0, slice = 0; at < all.length; slice += 1) {
        const size = plan.slices[slice % plan.slices.length]!;
        await sink.deliver(mine, all.slice(at, at + size));
        at += size;
      }
      await until(() => handled.size === all.length || failure !== null);
      await member.close();
      await run.catch(() => undefined);
      expect(problems).toEqual([]);
      expect(failure).toBe(null);
      expect(handled.size).toBe(all.length);
      expect(it.driver.through(mine)).toBe(String(all.length - 1));
      for (const positions of succeeded.values()) expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    }),
    { seed: 20_010_201, numRuns: 120 },
  );
});
