import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inProcessProviders } from "../../localstack/in-process.ts";
import { conformanceCases, runCases, summarize, summarizePromises } from "../../src/conformance/index.ts";
import { connect } from "../../src/index.ts";
import { writeRecord } from "../results/record.ts";
import { replaceSection } from "./generated-section.ts";
import { type ConformanceResult, capabilitiesSection, figuresSection, gatherFacts, resultsPage } from "./sections.ts";

/** Runs the suite on every provider that runs in this process, then writes what is generated into the texts. */
for (const [provider, start] of Object.entries(inProcessProviders)) {
  const emulator = await start();
  const reports = await runCases(conformanceCases(), { connect: () => connect(emulator.url), emulator });
  await emulator.close();
  for (const { case: name, reason } of reports.filter(({ result }) => result === "failed"))
    console.error(`${provider}: ${name}: ${reason}`);
  const result: ConformanceResult = { ...summarize(provider, reports), promises: summarizePromises(reports) };
  await writeRecord(`conformance-${provider}`, "npm run readme", result);
}

const root = join(import.meta.dirname, "..", "..");
const facts = await gatherFacts();
const readme = await readFile(join(root, "README.md"), "utf8");
const withCapabilities = replaceSection(readme, "capabilities", capabilitiesSection(facts));
await writeFile(join(root, "README.md"), replaceSection(withCapabilities, "figures", figuresSection(facts)));
await writeFile(join(root, "test", "RESULTS.md"), resultsPage(facts));
