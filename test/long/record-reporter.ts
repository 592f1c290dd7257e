import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";
import { originOf, type Recorded, readAs, writeAs } from "../results/record.ts";

/** The last run of a file of the long tier. */
interface LongFile {
  /** Its path in the project. */
  readonly file: string;
  readonly seconds: number;
  readonly passed: number;
  /** The names of the tests that did not pass. A file that could not be loaded is one of them. */
  readonly failed: readonly string[];
}

/** Of each file its own last run: the whole tier takes most of an hour, and a run of some files replaces only theirs. */
export type LongResult = readonly Recorded<LongFile>[];

const root = join(import.meta.dirname, "..", "..");

/** Keeps each file's run for `test/RESULTS.md`, where `STREAMPORT_RECORD` is set, as soon as the file has ended. */
export class RecordReporter implements Reporter {
  async onTestModuleEnd(module: TestModule): Promise<void> {
    if (process.env["STREAMPORT_RECORD"] === undefined) return;
    const file = relative(root, module.moduleId);
    const tests = [...module.children.allTests()];
    const failed = tests.filter((test) => test.result().state !== "passed").map((test) => test.fullName);
    if (failed.length === 0 && module.state() !== "passed") failed.push(file);
    const result: LongFile = {
      file,
      seconds: Math.round(module.diagnostic().duration / 100) / 10,
      passed: tests.length - failed.length,
      failed,
    };
    const others = (await readAs<LongResult>("long")).filter((other) => other.result.file !== file);
    const recorded = { command: `npm run test:long -- ${file}`, ...originOf(), result };
    const all = [...others, recorded].filter((one) => existsSync(join(root, one.result.file)));
    await writeAs(
      "long",
      all.toSorted((one, other) => (one.result.file < other.result.file ? -1 : 1)),
    );
  }
}
