import { defineConfig } from "vitest/config";
import { NotTriedReporter } from "../not-tried-reporter.ts";
import { RecordReporter } from "./record-reporter.ts";

/** The long tier, `npm run test:long`: minutes a test, one file at a time, so that nothing else takes the processor. */
export default defineConfig({
  test: {
    include: ["test/long/**/*.test.ts", "test/kafka/**/*.test.ts", "test/conformance/kafka.test.ts"],
    globalSetup: ["test/fetch-kafka.ts", "test/run-folder.ts"],
    pool: "forks",
    execArgv: ["--expose-gc"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    reporters: ["default", new RecordReporter(), new NotTriedReporter()],
    passWithNoTests: false,
    allowOnly: false,
  },
});
