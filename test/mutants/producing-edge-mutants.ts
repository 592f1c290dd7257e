import { setTimeout as later } from "node:timers/promises";
import type { ProducerDriver, RecordResult } from "../../src/driver/producer-driver.ts";
import type { OutgoingRecord } from "../../src/driver/record.ts";
import { StreamError, isStreamError } from "../../src/errors.ts";
import { CLAIMED } from "./change-records.ts";
import { producerCallsMutant } from "./connection-parts.ts";
import { producerMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";

const MOMENT_MS = 20;

/** Takes a slice for the one of unknown outcome because both begin with the same record. */
function takesOneSliceForAnother(producer: ProducerDriver): Partial<ProducerDriver> {
  const unknown = new Map<OutgoingRecord, number>();
  const again: RecordResult = { outcome: "retryable", error: new StreamError("unavailable", "another call first"), retryAfterMs: 0 };
  const stored: RecordResult = { outcome: "stored", partition: null, position: null, timestampMs: null };
  return {
    write: async (call, signal) => {
      const known = call.slices.map(({ records }) => unknown.get(records[0]!));
      const fresh = call.slices.filter((_, index) => known[index] === undefined);
      const results = [...(fresh.length === 0 ? [] : await producer.write({ ...call, slices: fresh }, signal))];
      return call.slices.map(({ records }, index) => {
        const count = known[index];
        if (count !== undefined) {
          unknown.delete(records[0]!);
          return { outcome: "each", results: records.map((_, at) => (at < count ? stored : again)) };
        }
        const result = results.shift()!;
        if (result.outcome === "unknown") unknown.set(records[0]!, records.length);
        return result;
      });
    },
  };
}

/** Defects of the producer that show only in calls of mixed content, or after a wait. */
export const producingEdgeMutants: readonly Mutant[] = [
  producerMutant("forgets-keyless-beside-others", (producer) => ({
    write: async (call, signal) => {
      const isForgotten = call.slices.map(({ lane }) => lane === null && call.slices.some((other) => other.lane !== null));
      const results = [...(await producer.write({ ...call, slices: call.slices.filter((_, index) => !isForgotten[index]) }, signal))];
      return call.slices.map((_, index) => (isForgotten[index] ? CLAIMED : results.shift()!));
    },
  })),
  {
    ...producerMutant("blames-the-first-of-a-slice", (producer) => ({
      write: async (call, signal) => {
        const results = await producer.write(call, signal);
        return results.map((result, index) => {
          const { records } = call.slices[index]!;
          if (result.outcome !== "each") return result;
          const refused = result.results.find(({ outcome }) => outcome === "refused");
          if (refused === undefined || records.length === 1) return result;
          return { outcome: "each", results: result.results.map((one, at) => (at === 0 ? refused : one)) };
        });
      },
    })),
    // Only where other keys are in what is refused.
    like: "kafka",
  },
  { ...producerMutant("takes-one-slice-for-another", takesOneSliceForAnother), like: "kafka" },
  producerCallsMutant("flush-waits-a-moment", (producer) => ({
    flush: async (options) => Promise.race([producer.flush(options), later(MOMENT_MS)]),
  })),
  producerCallsMutant("sends-what-was-blocked", (producer) => ({
    send: async (message, options) => {
      try {
        return await producer.send(message, options);
      } catch (error) {
        if (!isStreamError(error, "key-blocked")) throw error;
        return producer.send(message, options);
      }
    },
  })),
];
