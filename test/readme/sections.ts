import { inProcessProviders } from "../../localstack/in-process.ts";
import type { Capabilities } from "../../src/capabilities.ts";
import { type PromiseCounts, type ResultSummary, conformanceMatrix } from "../../src/conformance/index.ts";
import { markdownTable } from "../../src/conformance/report/markdown-table.ts";
import { connect } from "../../src/index.ts";
import { type BenchResult, type Verdict, verdictOf } from "../bench/result.ts";
import type { LongResult } from "../long/record-reporter.ts";
import type { SoakResult } from "../long/soak-result.ts";
import { type Recorded, readRecord } from "../results/record.ts";

const VERDICTS: Readonly<Record<Verdict, string>> = { aim: "aim reached", must: "bar reached", missed: "bar missed" };

/** What is recorded of a run of the suite. */
export interface ConformanceResult extends ResultSummary {
  readonly promises: readonly PromiseCounts[];
}

/** Everything that the generated texts are made of: the adapters' own capabilities, and what was recorded. */
export interface Facts {
  readonly capabilities: ReadonlyMap<string, Capabilities>;
  readonly conformance: ReadonlyMap<string, Recorded<ConformanceResult>>;
  readonly bench: Recorded<BenchResult>;
  readonly soak: Recorded<SoakResult>;
  readonly long: Recorded<LongResult>;
}

export async function gatherFacts(): Promise<Facts> {
  const capabilities = new Map<string, Capabilities>();
  const conformance = new Map<string, Recorded<ConformanceResult>>();
  for (const [provider, start] of Object.entries(inProcessProviders)) {
    const started = await start();
    const connection = await connect(started.url);
    capabilities.set(provider, connection.capabilities);
    await connection.close();
    await started.close();
    conformance.set(provider, await readRecord(`conformance-${provider}`));
  }
  return {
    capabilities,
    conformance,
    bench: await readRecord("bench-memory"),
    soak: await readRecord("soak"),
    long: await readRecord("long"),
  };
}

export function capabilitiesSection({ capabilities, conformance }: Facts): string {
  return conformanceMatrix(
    [...capabilities].map(([provider, declared]) => {
      const counts = conformance.get(provider)!.result;
      return { provider, capabilities: declared, counts, promises: counts.promises };
    }),
  );
}

export function figuresSection({ bench, soak }: Facts): string {
  return [
    "The core on `memory`, the provider's own work included; 100-byte values, 512 keys, 8 partitions. CPU is stated for a machine that hashes an 18-byte key in 21 ns.\n\n",
    benchTable(bench.result),
    `\nRecorded by \`${bench.command}\` at ${bench.commit} on ${bench.date} (${bench.environment}), A/A control ${bench.result.control}. `,
    `Soak: ${soak.result.checks.map(({ name, value }) => `${name} ${value}`).join("; ")}.\n`,
  ].join("");
}

function benchTable({ bars }: BenchResult): string {
  return markdownTable(
    ["figure", "value", "bar", "aim", "verdict"],
    bars.map((bar) => [bar.name, String(bar.value), String(bar.must), String(bar.aim), VERDICTS[verdictOf(bar)]]),
  );
}

export function resultsPage({ conformance, bench, soak, long }: Facts): string {
  const origin = (record: Recorded<unknown>): string =>
    `\`${record.command}\` at ${record.commit} on ${record.date}, ${record.environment}.\n`;
  const missed = bench.result.bars.filter((bar) => verdictOf(bar) === "missed");
  const failedChecks = soak.result.checks.filter(({ holds }) => !holds);
  return [
    "# Results\n\nThe last recorded runs. Generated from `test/results/` by `npm run readme`; the runs themselves write there with `--record`.\n",
    `\n## Conformance\n\n${origin([...conformance.values()][0]!)}\n`,
    markdownTable(
      ["provider", "passed", "failed", "unsupported", "environment missing"],
      [...conformance].map(([provider, { result }]) => [
        provider,
        ...[result.passed, result.failed, result.unsupported, result.missing].map(String),
      ]),
    ),
    `\n## Benchmark: ${bench.result.provider}\n\n${origin(bench)}`,
    `Verdict: ${bench.result.void ? "void" : missed.length === 0 ? "every bar reached" : `${missed.length} bars missed`}. A/A control ${bench.result.control}.\n\n`,
    benchTable(bench.result),
    `\n## Soak\n\n${origin(soak)}`,
    `Verdict: ${failedChecks.length === 0 ? "every check held" : `${failedChecks.length} checks failed`}.\n\n`,
    markdownTable(
      ["check", "value", "allowed", "holds"],
      soak.result.checks.map(({ name, value, allowed, holds }) => [name, value, allowed, holds ? "yes" : "NO"]),
    ),
    `\n## Long tier\n\n${origin(long)}\n`,
    markdownTable(
      ["test", "result", "seconds"],
      long.result.tests.map(({ name, passed, seconds }) => [name, passed ? "passed" : "FAILED", String(seconds)]),
    ),
  ].join("");
}
