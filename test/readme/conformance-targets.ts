import { inProcessProviders } from "../../localstack/in-process.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import type { Emulator } from "../../src/conformance/index.ts";
import { startConformanceKafka } from "../conformance/conformance-kafka.ts";

/** Started for one run of the suite. `emulator`: where it shows faults. */
interface StartedTarget {
  readonly url: string;
  readonly emulator: Emulator | undefined;
  /** Where a real server can be made to compact a log. */
  readonly compact: ((topic: string) => Promise<void>) | undefined;
  /** Where a real server can be made to delete what a topic holds. */
  readonly expire: ((topic: string) => Promise<void>) | undefined;
  /** Where what a real server has stored can be damaged. */
  readonly damage: ((topic: string, partition: string) => Promise<void>) | undefined;
  close(): Promise<void>;
}

/** What the suite is run on for the matrix. */
export interface ReadmeTarget {
  /** As the command prints it. */
  readonly name: string;
  readonly provider: string;
  /** What server that was. */
  readonly where: string;
  /** Of `test/results`. */
  readonly record: string;
  /** What this machine lacks for it; then its last record stays. */
  missing(): string | null;
  start(): Promise<StartedTarget>;
}

export const readmeTargets: readonly ReadmeTarget[] = [
  ...Object.entries(inProcessProviders).map(([provider, start]): ReadmeTarget => {
    return {
      name: provider,
      provider,
      where: provider === "memory" ? "this process" : "the emulator in this process",
      record: `conformance-${provider}`,
      missing: () => null,
      start: async () => {
        const emulator = await start();
        return { url: emulator.url, emulator, compact: undefined, expire: undefined, damage: undefined, close: () => emulator.close() };
      },
    };
  }),
  {
    name: "Apache Kafka",
    provider: "kafka",
    where: "Apache Kafka 4.1, a real server",
    record: "conformance-apache-kafka",
    missing: kafkaRequirements,
    start: async () => {
      const cluster = await startConformanceKafka();
      const { url, compact, expire, damage } = cluster;
      return { url, emulator: undefined, compact, expire, damage, close: () => cluster.stop() };
    },
  },
];
