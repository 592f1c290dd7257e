import { setTimeout as sleep } from "node:timers/promises";
import { type MemoryEmulator, startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { type Producer, bytes, connect, isStreamError } from "../../src/index.ts";
import { PARTITIONS } from "../bench/workload.ts";
import { heldBytes, settledBytes } from "./settled-heap.ts";
import { type SoakCheck, bytesCheck, countCheck } from "./soak-result.ts";

const MEBIBYTE = 1_048_576;
const BOUND_BYTES = 8 * MEBIBYTE;
const ALLOWED_BYTES = BOUND_BYTES + 64 * MEBIBYTE;
const VALUE_BYTES = 16_384;
const STALL_MS = 3_000;
/** Long enough for everything that would be taken to be taken; well before the stall ends. */
const SETTLING_MS = 1_500;

/** While the provider answers nothing: how much memory do sends hold, and which of them are refused? */
export async function stalledDriver(): Promise<readonly SoakCheck[]> {
  return [...(await awaitedSends()), ...(await streamedSends()), ...(await unawaitedSends())];
}

/** Runs `step` on a producer whose provider has stalled; what it returns is asked before the stall ends. `before`: what the process held. */
async function whileStalled<Result>(step: (producer: Producer<Uint8Array>, before: number) => Promise<Result>): Promise<Result> {
  const emulator: MemoryEmulator = await startMemoryEmulator({ topics: { soak: { partitions: PARTITIONS } } });
  const connection = await connect(emulator.url);
  const producer = connection.topic("soak", { codec: bytes() }).producer({ maxBufferedBytes: BOUND_BYTES });
  await producer.send({ key: "first", value: Buffer.alloc(1) });
  const before = await settledBytes();
  emulator.inject({ kind: "stall", times: 1_000_000, durationMs: STALL_MS });
  const result = await step(producer, before);
  await connection.close({ timeoutMs: 0 });
  await emulator.close();
  // Until the stalled calls are over they hold what they carry, which is not the next step's.
  await sleep(STALL_MS - SETTLING_MS);
  return result;
}

/** A value is made when its turn has come: what is not taken costs nothing. */
async function awaitedSends(): Promise<readonly SoakCheck[]> {
  const writers = 900;
  return whileStalled(async (producer, before) => {
    let refused = 0;
    const write = async (writer: number): Promise<void> => {
      for (let round = 0; round < 100; round += 1) await producer.send({ key: `${writer}`, value: Buffer.alloc(VALUE_BYTES) });
    };
    for (let writer = 0; writer < writers; writer += 1) {
      write(writer).catch((error: unknown) => {
        // Closing ends them; anything else is a refusal that an awaited send must not meet below twice the bound.
        if (!isStreamError(error, "closed", "outcome-unknown")) refused += 1;
      });
    }
    await sleep(SETTLING_MS);
    return [bytesCheck("held by 900 awaited sends", heldBytes() - before, ALLOWED_BYTES), countCheck("awaited sends refused", refused, 0)];
  });
}

async function streamedSends(): Promise<readonly SoakCheck[]> {
  return whileStalled(async (producer, before) => {
    let pulledBytes = 0;
    function* endless(): Generator<{ key: string; value: Uint8Array }> {
      for (let number = 0; ; number += 1) {
        pulledBytes += VALUE_BYTES;
        yield { key: `${number % 512}`, value: Buffer.alloc(VALUE_BYTES) };
      }
    }
    // It ends with the connection, when everything has been looked at.
    producer.sendStream(endless()).catch(() => undefined);
    await sleep(SETTLING_MS);
    return [
      bytesCheck("held by sendStream", heldBytes() - before, ALLOWED_BYTES),
      bytesCheck("pulled by sendStream", pulledBytes, 2 * BOUND_BYTES),
    ];
  });
}

/** Twice as many as the bound and its waiting room take. */
async function unawaitedSends(): Promise<readonly SoakCheck[]> {
  const sends = (4 * BOUND_BYTES) / VALUE_BYTES;
  const value = Buffer.alloc(VALUE_BYTES);
  return whileStalled(async (producer) => {
    let throttled = 0;
    for (let number = 0; number < sends; number += 1) {
      producer.send({ key: `${number % 512}`, value }).catch((error: unknown) => {
        if (isStreamError(error, "throttled")) throttled += 1;
      });
    }
    await sleep(SETTLING_MS);
    const taken = (sends - throttled) * VALUE_BYTES;
    return [
      bytesCheck("taken of un-awaited sends", taken, 2 * BOUND_BYTES + VALUE_BYTES),
      {
        name: "un-awaited sends refused",
        value: String(throttled),
        allowed: `about half of ${sends}`,
        holds: throttled > sends / 3 && throttled < sends,
      },
    ];
  });
}
