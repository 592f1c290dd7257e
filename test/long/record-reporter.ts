import type { Reporter, TestModule } from "vitest/node";
import { writeRecord } from "../results/record.ts";

/** What is kept of a run of the long tier. */
export interface LongResult {
  readonly tests: readonly { readonly name: string; readonly passed: boolean; readonly seconds: number }[];
}

/** Keeps the run for `test/RESULTS.md`, where `STREAMPORT_RECORD` is set. */
export class RecordReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    if (process.env["STREAMPORT_RECORD"] === undefined) return;
    const tests = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({
        name: test.fullName,
        passed: test.result().state === "passed",
        seconds: Math.round((test.diagnostic()?.duration ?? 0) / 100) / 10,
      })),
    );
    const chosen = process.argv.filter((argument) => argument.endsWith(".test.ts")).map((file) => ` -- ${file}`);
    await writeRecord("long", `npm run test:long${chosen.join("")}`, { tests } satisfies LongResult);
  }
}
