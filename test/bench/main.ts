import { parseArgs } from "node:util";
import { benchEmulator } from "./emulator-bench.ts";
import { benchEventHubs } from "./event-hubs-bench.ts";
import { benchKafka } from "./kafka-bench.ts";
import { benchKafkaCli } from "./kafka-cli-bench.ts";
import { benchKinesis } from "./kinesis-bench.ts";
import { benchLeases } from "./leases-bench.ts";
import { benchMemory } from "./memory-bench.ts";
import { benchMigration } from "./migration-bench.ts";
import { benchOciStreaming } from "./oci-streaming-bench.ts";
import { benchPubSub } from "./pubsub-bench.ts";
import { writeRecord } from "../results/record.ts";
import { type BenchResult, verdictOf } from "./result.ts";

const BENCHES: Readonly<Record<string, (tell: (text: string) => void) => Promise<BenchResult>>> = {
  memory: benchMemory,
  leases: benchLeases,
  kafka: benchKafka,
  "kafka-emulator": benchEmulator,
  "kafka-cli": benchKafkaCli,
  kinesis: benchKinesis,
  "event-hubs": benchEventHubs,
  pubsub: benchPubSub,
  "oci-streaming": benchOciStreaming,
  migration: benchMigration,
};

function table({ provider, control, bars, ...result }: BenchResult): string {
  const words = { aim: "reaches the aim", must: "reaches the bar", missed: "MISSES THE BAR" };
  const rows = bars.map((bar) => {
    return `  ${bar.name.padEnd(52)}${String(bar.value).padStart(9)}   must ${bar.must}, aim ${bar.aim}: ${words[verdictOf(bar)]}`;
  });
  return [`${provider}: control ${control}${result.void ? ", VOID: the machine was not quiet" : ""}`, ...rows].join("\n");
}

// A bench that is ended from outside would be gone without a word, and its emulator with it.
for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => {
    console.error(`the bench was ended from outside, by ${signal}`);
    process.exit(128 + number);
  });
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" }, record: { type: "boolean" } } });
const bench = BENCHES[positionals[0] ?? ""];
if (bench === undefined || positionals.length !== 1) {
  console.error(`npm run bench -- <provider> [--json] [--record]; there is a bench for ${Object.keys(BENCHES).join(", ")}`);
  process.exitCode = 2;
} else {
  const result = await bench((text) => console.error(text));
  console.log(values.json === true ? JSON.stringify(result) : table(result));
  // A void run says nothing, so there is nothing to keep.
  if (values.record === true && !result.void) await writeRecord(`bench-${result.provider}`, `npm run bench -- ${result.provider}`, result);
  if (result.void) process.exitCode = 3;
  else if (result.bars.some((bar) => verdictOf(bar) === "missed")) process.exitCode = 1;
}
