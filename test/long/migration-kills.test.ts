import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "vitest";
import { startEmulator } from "../../localstack/index.ts";
import { Random } from "../../src/conformance/history/random.ts";
import { connect } from "../../src/index.ts";
import { copy, verify } from "../../src/migration/index.ts";
import { keysOf, messagesOf, produce, valuesByKey } from "../migration/two-topics.ts";
import type { CopierOptions } from "./copier-process.ts";

const KILLS = 20;

test.for([
  ["kafka", "kafka", 1],
  ["kafka", "kafka", 2],
  ["kafka", "kinesis", 1],
  ["kinesis", "kafka", 2],
] as const)(
  "a copy from emulated %s to emulated %s by %i processes, killed 20 times, loses and reorders nothing",
  { timeout: 900_000 },
  async ([from, to, processes], { expect, onTestFinished }) => {
    const random = new Random(from.length * 31 + to.length * 7 + processes);
    const source = await startEmulator(from, { topics: { a: { partitions: 4 } } });
    const target = await startEmulator(to, { topics: { b: { partitions: 3 } } });
    const state = await mkdtemp(join(tmpdir(), "streamport-kills-"));
    onTestFinished(async () => {
      await source.close();
      await target.close();
      await rm(state, { recursive: true });
    });
    const sides = [
      { connection: await connect(source.url), topic: "a" },
      { connection: await connect(target.url), topic: "b" },
    ] as const;
    const keys = keysOf(40);
    const options: CopierOptions = { sourceUrl: source.url, targetUrl: target.url, fromTopic: "a", toTopic: "b", state };
    const copiers: ChildProcess[] = Array.from({ length: processes }, () => startCopier(options));
    onTestFinished(() => copiers.forEach((copier) => copier.kill("SIGKILL")));
    for (let kill = 0; kill < KILLS; kill += 1) {
      await produce(sides[0], keys, 30, kill * 30);
      const victim = random.between(0, processes - 1);
      // While it copies, or after the session of its predecessor if others have taken over.
      await Promise.race([once(copiers[victim]!.stdout!, "data"), sleep(10_000)]);
      await sleep(random.between(0, 1_500));
      copiers[victim]!.kill("SIGKILL");
      await once(copiers[victim]!, "exit");
      copiers[victim] = startCopier(options);
    }
    for (const copier of copiers) {
      copier.kill("SIGKILL");
      await once(copier, "exit");
    }
    await copy(...sides);
    const result = await verify(...sides);
    expect(result).toMatchObject({ equal: true, sourceMessages: keys.length * 30 * KILLS, firstDifference: null });
    const values = valuesByKey(await messagesOf(sides[1]));
    const firsts = Object.fromEntries(Object.entries(values).map(([key, all]) => [key, [...new Set(all)]]));
    expect(firsts).toEqual(valuesByKey(await messagesOf(sides[0])));
    // What a killed process had under way may come after its successor has looked: such repeats are told.
    expect(Object.values(values).flat().length).toBe(result.targetMessages + result.duplicates);
    for (const { connection } of sides) await connection.close();
  },
);

function startCopier(options: CopierOptions): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "copier-process.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}
