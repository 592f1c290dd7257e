import type { Capabilities } from "../../src/capabilities.ts";
import { type PromiseCounts, type ResultSummary, capabilityMatrix, conformanceMatrix } from "../../src/conformance/index.ts";
import { markdownTable } from "../../src/conformance/report/markdown-table.ts";
import { connect } from "../../src/index.ts";
import { type BenchResult, type Verdict, verdictOf } from "../bench/result.ts";
import type { LongResult } from "../long/record-reporter.ts";
import type { SoakResult } from "../long/soak-result.ts";
import { availableProviders } from "../providers.ts";
import { type Recorded, readAs, readRecord } from "../results/record.ts";
import { type ReadmeTarget, readmeTargets } from "./conformance-targets.ts";

const VERDICTS: Readonly<Record<Verdict, string>> = { aim: "aim reached", must: "bar reached", missed: "bar missed" };

/** What is recorded of a run of the suite. */
export interface ConformanceResult extends ResultSummary {
  readonly promises: readonly PromiseCounts[];
}

/** Everything that the generated texts are made of: the adapters' own capabilities, and what was recorded. */
export interface Facts {
  readonly capabilities: ReadonlyMap<string, Capabilities>;
  readonly conformance: ReadonlyMap<ReadmeTarget, Recorded<ConformanceResult>>;
  readonly benches: ReadonlyMap<string, Recorded<BenchResult>>;
  readonly soak: Recorded<SoakResult>;
  readonly long: LongResult;
}

/** To connect to, without a call: what the adapter says of itself before it has met a server. */
const URLS: Readonly<Record<string, string>> = {
  memory: "memory:",
  kafka: "kafka://localhost:9092",
  kinesis: "kinesis://eu-west-1",

  "event-hubs": "event-hubs://namespace.servicebus.windows.net",

  pubsub: "pubsub://project",

  "oci-streaming": "oci-streaming://eu-frankfurt-1/ocid1.streampool.oc1.eu-frankfurt-1.example",
};
/** What each of them measures, by the name of its record. */
const BENCHES: Readonly<Record<string, string>> = {
  memory:
    "The core on `memory`, the provider's own work included; 100-byte values, 512 keys, 8 partitions. CPU is stated for a machine that hashes an 18-byte key in 21 ns.",
  leases:
    "A group by leases, with the default session of 30 s: what one member asks of its store in an hour, for each of its partitions and by itself, counted in virtual time; and the CPU of a member with 1,000 idle leases, stated for the same machine, beside what store and service take.",
  kafka:
    "`kafka` against kafkajs as its documentation says to use it, in turns on one real Apache Kafka broker with the server's own settings; 8 partitions, acknowledged by all replicas. Ratios: times as fast as raw, except the latency.",
  "kafka-emulator":
    "The emulated Kafka, with the same client on a real broker in turns; in a process of its own, as the real one is, and in that of the client. Ratios: times as fast as the real one.",
  kinesis:
    "`kinesis` against the AWS SDK over HTTP/1.1 with connections kept, in turns on the emulator in a process of its own; 8 shards. Publishing with 20 ms added to each call and 2 % of the entries throttled, against one record of each key in a call; publishing and consuming without faults with the envelope `raw`. Ratios: times as fast as raw.",
  "event-hubs":
    "`event-hubs` against the Azure SDK, in turns on the emulator in a process of its own; 4 partitions, values of 1 KB. Consuming against the SDK's consumer at the settings that were found to be its fastest. Memory: 3,000 idle receive cycles, then 100,000 messages while the handler is slow. Ratios: times as fast as raw.",
  pubsub:
    "`pubsub` against Google's client, in turns on the emulator in a process of its own; values of 1 KB, 32 ordering keys. Beside the ratios how many messages of a key were handled out of order, what a producer holds while the service does not answer, and what a million ordering keys leave. Ratios: times as fast as raw.",
  "oci-streaming":
    "`oci-streaming` against Oracle's SDK, in turns on the emulator in a process of its own; 8 partitions. Publishing with 20 ms added to each call and 2 % of the entries throttled, against one message of each key in a call; consuming with the envelope `raw`. Ratios: times as fast as raw, and for the event loop the part of raw's longest block.",
  migration:
    "A copy from Kafka to Kafka on one real Apache Kafka broker with the server's own settings, against kafkajs that reads the same messages and then writes them: the bound of one thread. 8 partitions, acknowledged by all replicas. Ratios: times as fast as that bound, or parts of the CPU of a copy.",
};

export async function gatherFacts(): Promise<Facts> {
  const capabilities = new Map<string, Capabilities>();
  const benches = new Map<string, Recorded<BenchResult>>();
  for (const name of Object.keys(BENCHES)) benches.set(name, await readRecord(`bench-${name}`));
  for (const provider of availableProviders) {
    const connection = await connect(URLS[provider]!);
    capabilities.set(provider, connection.capabilities);
    await connection.close();
  }
  const conformance = new Map<ReadmeTarget, Recorded<ConformanceResult>>();
  for (const target of readmeTargets) conformance.set(target, await readRecord(target.record));
  return { capabilities, conformance, benches, soak: await readRecord("soak"), long: await readAs("long") };
}

/** Of every target the totals of the suite: what a newcomer wants to know first. The rest is in `test/RESULTS.md`. */
export function providersSection({ conformance }: Facts): string {
  return markdownTable(
    ["provider", "tried on", "passed", "failed", "unsupported", "not tried"],
    [...conformance].map(([{ provider, where }, { result }]) => [
      `\`${provider}\``,
      where,
      ...[result.passed, result.failed, result.unsupported, result.missing].map(String),
    ]),
  );
}

function benchTable({ bars }: BenchResult): string {
  return markdownTable(
    ["figure", "value", "bar", "aim", "verdict"],
    bars.map((bar) => [bar.name, String(bar.value), String(bar.must), String(bar.aim), VERDICTS[verdictOf(bar)]]),
  );
}

export function resultsPage({ conformance, capabilities, benches, soak, long }: Facts): string {
  const origin = (record: Recorded<unknown>): string =>
    `\`${record.command}\` at ${record.commit} on ${record.date}, ${record.environment}.\n`;
  const failedChecks = soak.result.checks.filter(({ holds }) => !holds);
  return [
    "# Results\n\nThe last recorded runs. Generated from `test/results/` by `npm run readme`; the runs themselves write there with `--record`.\n",
    `\n## Conformance\n\n${origin([...conformance.values()][0]!)}`,
    "Of a capability that a provider lacks, the suite has tried the refusal: unsupported. What is not tried needs a fault that a real server does not show on demand.\n\n",
    conformanceMatrix(
      [...conformance].map(([{ provider, where }, { result }]) => ({
        target: `${provider}, ${where}`,
        counts: result,
        promises: result.promises,
      })),
    ),
    "\n## Capabilities\n\nWhat each provider declares.\n\n",
    capabilityMatrix([...capabilities].map(([provider, declared]) => ({ provider, capabilities: declared }))),
    ...[...benches].map(([name, bench]) => {
      const missed = bench.result.bars.filter((bar) => verdictOf(bar) === "missed");
      const verdict = bench.result.void ? "void" : missed.length === 0 ? "every bar reached" : `${missed.length} bars missed`;
      const head = `\n## Benchmark: ${bench.result.provider}\n\n${origin(bench)}`;
      return `${head}Verdict: ${verdict}. A/A control ${bench.result.control}.\n\n${BENCHES[name]}\n\n${benchTable(bench.result)}`;
    }),
    `\n## Soak\n\n${origin(soak)}`,
    `Verdict: ${failedChecks.length === 0 ? "every check held" : `${failedChecks.length} checks failed`}.\n\n`,
    markdownTable(
      ["check", "value", "allowed", "holds"],
      soak.result.checks.map(({ name, value, allowed, holds }) => [name, value, allowed, holds ? "yes" : "NO"]),
    ),
    "\n## Long tier\n\n`STREAMPORT_RECORD=1 npm run test:long`: of each file its last run.\n\n",
    markdownTable(
      ["file", "passed", "failed", "seconds", "commit", "date"],
      long.map(({ commit, date, result: { file, passed, failed, seconds } }) => [
        file,
        String(passed),
        failed.length === 0 ? "0" : `${failed.length}: ${failed.join("; ")}`,
        String(seconds),
        commit,
        date,
      ]),
    ),
  ].join("");
}
