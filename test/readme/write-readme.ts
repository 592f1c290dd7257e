import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { conformanceCases, runCases, summarize, summarizePromises } from "../../src/conformance/index.ts";
import { connect } from "../../src/index.ts";
import { writeRecord } from "../results/record.ts";
import { readmeTargets } from "./conformance-targets.ts";
import { replaceSection } from "./generated-section.ts";
import { type ConformanceResult, gatherFacts, providersSection, resultsPage } from "./sections.ts";

/**
 * Runs the suite on every target that this machine has, then writes what is generated into the texts. With `--from-records` the last
 * records stay, and only the texts are written.
 */
const { values } = parseArgs({ options: { "from-records": { type: "boolean" } } });
if (values["from-records"] !== true) await recordConformance();
const root = join(import.meta.dirname, "..", "..");
const facts = await gatherFacts();
const readme = await readFile(join(root, "README.md"), "utf8");
await writeFile(join(root, "README.md"), replaceSection(readme, "providers", providersSection(facts)));
await writeFile(join(root, "test", "RESULTS.md"), resultsPage(facts));

/** Runs the suite on every target that this machine has. */
async function recordConformance(): Promise<void> {
  for (const target of readmeTargets) {
    const lack = target.missing();
    if (lack !== null) {
      console.error(`${target.name}: the last record stays: ${lack}`);
      continue;
    }
    const started = await target.start();
    const { url, emulator, compact, expire, damage } = started;
    const reports = await runCases(conformanceCases(), { connect: () => connect(url), emulator, compact, expire, damage });
    await started.close();
    for (const report of reports.filter(({ result }) => result === "failed"))
      console.error(`${target.name}: ${report.case}: ${report.reason}`);
    const result: ConformanceResult = { ...summarize(target.provider, reports), promises: summarizePromises(reports) };
    await writeRecord(target.record, "npm run readme", result);
  }
}
