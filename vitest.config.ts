import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { NotTriedReporter } from "./test/not-tried-reporter.ts";
import { filesThatShareProcesses } from "./test/shared-process.ts";
import { SlowestFirst } from "./test/slowest-first.ts";

/** `.ci/run` names a file here, to count the results of exactly this run. */
const reportFile = process.env["STREAMPORT_TEST_REPORT"];

const together = filesThatShareProcesses();

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "alone",
          include: ["test/**/*.test.ts"],
          // Of what needs a real Kafka broker only the plain run of the suite, the demo and the foreign clients: the rest is the long tier.
          exclude: ["test/bench/**", "test/long/**", "test/kafka/!(demo|foreign-clients).test.ts", ...together],
        },
      },
      // Of small files two fifths of the processor's time went into a process for each.
      { test: { name: "together", include: together, isolate: false } },
    ],
    globalSetup: ["test/fetch-kafka.ts", "test/run-folder.ts"],
    pool: "forks",
    // The compiled copies of mutants would be kept there, of each run others.
    fsModuleCache: false,
    // More than half of a test's time is waiting for timers and for servers: as many workers as there are cores would leave the cores half idle.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: SlowestFirst },
    // Bundlers and compilers on a machine that is busy with everything else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A run that finds no test, or only chosen ones, is not a passed run.
    passWithNoTests: false,
    allowOnly: false,
    reporters: ["default", ...(reportFile === undefined ? [] : [jsonReport(reportFile)]), new NotTriedReporter()],
  },
});

function jsonReport(outputFile: string): [string, { outputFile: string }] {
  return ["json", { outputFile }];
}
