import { setTimeout as later } from "node:timers/promises";
import type { CallSlice, ProducerDriver, PublishCall, RecordResult, SliceResult } from "../../src/driver/producer-driver.ts";
import type { OutgoingRecord } from "../../src/driver/record.ts";
import { StreamError } from "../../src/errors.ts";
import { CLAIMED } from "./change-records.ts";
import { producerMutant } from "./driver-parts.ts";
import { type Mutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

const NEVER = new AbortController().signal;

const STORED: RecordResult = { outcome: "stored", partition: null, position: null, timestampMs: null };

function isOpen(result: SliceResult): boolean {
  return result.outcome === "retryable" || result.outcome === "unknown";
}

/** Receipts of a slice in the opposite order. */
function backwards(result: SliceResult, count: number): SliceResult {
  if (result.outcome === "stored") return { ...result, positionOf: (index) => result.positionOf(count - 1 - index) };
  return result.outcome === "each" ? { ...result, results: result.results.toReversed() } : result;
}

/** A copy that a defect can write later: the core reuses the records of a call. */
function copyOf(call: PublishCall, slices = call.slices): PublishCall {
  return { ...call, slices: slices.map((slice) => ({ ...slice, records: [...slice.records] })) };
}

/** Claims success for what failed, and writes it after the next call that succeeds; the last failure is written first. */
function retriesBehindTheQueue(producer: ProducerDriver): Partial<ProducerDriver> {
  const behind: PublishCall[] = [];
  const catchUp = async (): Promise<void> => {
    for (let call = behind.pop(); call !== undefined; call = behind.pop()) {
      const results = await producer.write(call, NEVER);
      const open = call.slices.filter((_, index) => isOpen(results[index]!));
      if (open.length > 0) {
        behind.push({ ...call, slices: open });
        await later(1);
      }
    }
  };
  return {
    close: async () => {
      // The defect is disorder, not loss: everything must be written.
      await catchUp();
      await producer.close();
    },
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      const failed = call.slices.filter((_, index) => isOpen(results[index]!));
      if (failed.length < call.slices.length) await catchUp();
      if (failed.length > 0) behind.push(copyOf(call, failed));
      return results.map((result) => (isOpen(result) ? CLAIMED : result));
    },
  };
}

/** Claims success for every second call at once, and writes it after the call that follows. */
function storesEverySecondCallLate(producer: ProducerDriver): Partial<ProducerDriver> {
  let held: PublishCall | null = null;
  return {
    close: async () => {
      if (held !== null) await producer.write(held, NEVER);
      await producer.close();
    },
    write: async (call, signal) => {
      if (held === null) {
        held = copyOf(call);
        return call.slices.map(() => CLAIMED);
      }
      const late = held;
      held = null;
      const results = await producer.write(call, signal);
      await producer.write(late, NEVER);
      return results;
    },
  };
}

/** Writes a slice once more, with the message that was refused, and still reports the refusal. */
function storesWhatItRefuses(producer: ProducerDriver): Partial<ProducerDriver> {
  return {
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      const refused = call.slices.filter((slice, index) => {
        const result = results[index]!;
        return result.outcome === "each"
          ? result.results.some(({ outcome }) => outcome === "refused")
          : result.outcome === "refused" && slice.records.length === 1;
      });
      if (refused.length > 0) await producer.write({ ...call, slices: refused }, signal);
      return results;
    },
  };
}

/** Acknowledges first, and stores when it is closed. */
function acknowledgesBeforeStoring(producer: ProducerDriver): Partial<ProducerDriver> {
  const held: PublishCall[] = [];
  return {
    write: async (call) => {
      held.push(copyOf(call));
      return call.slices.map(() => CLAIMED);
    },
    close: async () => {
      for (const call of held) await producer.write(call, NEVER);
      await producer.close();
    },
  };
}

/** Whether a call of several slices was refused because of one message, without a word about which one. */
function isRefusedAsAWhole(results: readonly SliceResult[]): boolean {
  return results.length > 1 && results.every((result) => result.outcome === "retryable" && result.error.code === "invalid-argument");
}

/** Takes the refusal of a call for that of each message in it. */
function blamesTheWholeCall(producer: ProducerDriver): Partial<ProducerDriver> {
  return {
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      if (!isRefusedAsAWhole(results)) return results;
      const error = new StreamError("invalid-argument", "a message of the call is invalid");
      return call.slices.map(({ records }) => ({ outcome: "each", results: records.map(() => ({ outcome: "refused", error })) }));
    },
  };
}

/** Sends what was refused together again one by one, and the last of a slice first. */
function isolatesOutOfOrder(producer: ProducerDriver): Partial<ProducerDriver> {
  return {
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      if (!isRefusedAsAWhole(results)) return results;
      const one = async (slice: CallSlice, record: OutgoingRecord): Promise<RecordResult> => {
        const [result] = await producer.write({ slices: [{ ...slice, records: [record], bytes: 1 }], bytes: 1 }, signal);
        return result?.outcome === "refused" ? result : STORED;
      };
      const answers: SliceResult[] = [];
      for (const slice of call.slices) {
        const each: RecordResult[] = [];
        for (const record of slice.records.toReversed()) each.unshift(await one(slice, record));
        answers.push({ outcome: "each", results: each });
      }
      return answers;
    },
  };
}

/** Defects of how calls are made, answered and retried. */
export const publishMutants: readonly Mutant[] = [
  producerMutant("retries-behind-the-queue", retriesBehindTheQueue),
  producerMutant("stores-every-second-call-late", storesEverySecondCallLate),
  producerMutant("stores-what-it-refuses", storesWhatItRefuses),
  producerMutant("acknowledges-before-storing", acknowledgesBeforeStoring),
  producerMutant("receipts-backwards", (producer) => ({
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      return results.map((result, index) => backwards(result, call.slices[index]!.records.length));
    },
  })),
  producerMutant("gives-up-on-unknown", (producer) => ({
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      const error = new StreamError("internal", "given up because the answer was lost");
      return results.map((result) => (result.outcome === "unknown" ? { outcome: "refused", error } : result));
    },
  })),
  producerMutant("retries-what-is-not-permitted", (producer) => ({
    write: async (call, signal) => {
      const results = await producer.write(call, signal);
      return results.map((result) => (result.outcome === "refused" ? { ...result, outcome: "retryable" } : result));
    },
  })),
  producerMutant("ignores-the-explicit-partition", (producer) => ({
    laneOf: (key) => producer.laneOf(key, undefined),
    write: async (call, signal) => {
      const slices = call.slices.map((slice) => ({
        ...slice,
        records: slice.records.map((record) => override(record, { toPartition: undefined })),
      }));
      return producer.write({ ...call, slices }, signal);
    },
  })),
  producerMutant("spreads-keys", (producer) => {
    let turn = 0;
    return {
      write: async (call, signal) => {
        const slices = call.slices.flatMap((slice) =>
          slice.records.map((record) => ({
            ...slice,
            lane: null,
            records: [override(record, { key: record.key, toPartition: String((turn += 1) % 4) })],
          })),
        );
        const results = await producer.write({ ...call, slices }, signal);
        return call.slices.map(() => results.find(({ outcome }) => outcome !== "stored" && outcome !== "each") ?? CLAIMED);
      },
    };
  }),
  producerMutant("enforces-half-the-limit", (producer) => ({
    get limits() {
      return { ...producer.limits, messageBytes: Math.floor(producer.limits.messageBytes / 2) };
    },
  })),
  driverMutant("refuses-after-growth", () => {
    let hasGrown = false;
    return (driver) =>
      override(driver, {
        admin: override(driver.admin, {
          updateTopic: async (topic, settings, signal) => {
            await driver.admin.updateTopic(topic, settings, signal);
            hasGrown = true;
          },
        }),
        producer: (topic) => {
          const producer = driver.producer(topic);
          return override(producer, {
            write: async (call, signal) => {
              if (!hasGrown) return producer.write(call, signal);
              hasGrown = false;
              const error = new StreamError("invalid-argument", "the partitions have changed");
              return call.slices.map(({ records }) => ({
                outcome: "each",
                results: records.map(() => ({ outcome: "refused", error })),
              }));
            },
          });
        },
      });
  }),
  producerMutant("declares-more-than-it-takes", (producer) => ({
    get limits() {
      const { messageBytes, keyBytes, headerBytes } = producer.limits;
      return { messageBytes: messageBytes - 1, keyBytes: keyBytes - 1, headerBytes: headerBytes - 1 };
    },
  })),
  {
    ...producerMutant("declares-more-headers-than-it-takes", (producer) => ({
      get limits() {
        const { headerCount = 0, headerNameBytes = 0, headerValueBytes = 0, ...others } = producer.limits;
        return {
          ...others,
          headerCount: headerCount - 1,
          headerNameBytes: headerNameBytes - 1,
          headerValueBytes: headerValueBytes - 1,
        };
      },
    })),
    // Only where these limits are declared.
    like: "pubsub",
  },
  {
    ...producerMutant("does-not-cut-failure-headers", () => ({
      // A core that knows no limits sends everything; the provider refuses what is over them.
      limits: { messageBytes: Infinity, keyBytes: Infinity, headerBytes: Infinity },
    })),
    like: "pubsub",
  },
  {
    ...producerMutant("ignores-the-bound-of-records", (producer) => ({
      get shape() {
        return { ...producer.shape, maxCallRecords: undefined };
      },
    })),
    like: "kinesis",
  },
  { ...producerMutant("blames-the-whole-call", blamesTheWholeCall), like: "oci-streaming" },
  { ...producerMutant("isolates-out-of-order", isolatesOutOfOrder), like: "kinesis" },
  {
    ...producerMutant("keeps-the-lanes-from-before-growth", () => ({ laneGeneration: 0 })),
    // Only where lanes are partitions, and growth moves keys.
    like: "kafka",
  },
  driverMutant("crosses-topics", () => {
    let first: string | null = null;
    return (driver) => override(driver, { producer: (topic) => driver.producer((first ??= topic)) });
  }),
];
