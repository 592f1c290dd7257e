import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, expect, test, vi } from "vitest";
import { startEmulator } from "../../localstack/index.ts";
import { bytes, connect } from "../../src/index.ts";
import { type CommandResult, runInProcess } from "../unit/cli/run-in-process.ts";
import { type MemorySide, keysOf, produce } from "./two-topics.ts";

type Side = Pick<MemorySide, "connection" | "topic">;

const GUIDE = join(import.meta.dirname, "..", "..", "src", "migration", "guide", "README.md");
const GROUP = "delays";

/** The commands of the guide in their order, without the URLs. */
async function guideCommands(): Promise<readonly string[]> {
  const blocks = [...(await readFile(GUIDE, "utf8")).matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].map((match) => match[1]!);
  const lines = blocks.flatMap((block) => block.replace(/\\\n\s*/g, "").split("\n"));
  return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("export "));
}

class Day {
  readonly source: Side & { readonly url: string };
  readonly target: Side & { readonly url: string };
  readonly #directory: string;
  readonly handled: string[] = [];

  constructor(source: Day["source"], target: Day["target"], directory: string) {
    this.source = source;
    this.target = target;
    this.#directory = directory;
  }

  static async begin({ onTestFinished }: Pick<TestContext, "onTestFinished">): Promise<Day> {
    const sideOf = async (provider: "kafka" | "kinesis", topic: string, partitions: number): Promise<Day["source"]> => {
      const emulator = await startEmulator(provider, { topics: { [topic]: { partitions } } });
      onTestFinished(() => emulator.close());
      const connection = await connect(emulator.url);
      onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
      return { url: emulator.url, connection, topic };
    };
    const directory = await mkdtemp(join(tmpdir(), "guide-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    onTestFinished(() => void vi.unstubAllEnvs());
    return new Day(await sideOf("kafka", "flights", 3), await sideOf("kinesis", "departures", 2), directory);
  }

  /** As the guide prints it, but with the state in a directory of the test. */
  async run(line: string): Promise<CommandResult> {
    const isBack = line.startsWith("STREAM_SOURCE_URL=");
    const [first, second] = isBack ? [this.target, this.source] : [this.source, this.target];
    vi.stubEnv("STREAM_SOURCE_URL", first.url);
    vi.stubEnv("STREAM_TARGET_URL", second.url);
    const args = line.slice(line.indexOf("streamport ") + "streamport ".length).split(/\s+/);
    const back = join(this.#directory, "back");
    const own =
      args.includes("--state") || /^migrate (plan|verify)/.test(args.join(" ")) ? [] : ["--state", join(this.#directory, "there")];
    const returning = args[1] === "cutover" ? ["--return-state", back, ...(args.includes("freeze") ? ["--quiet", "1s"] : [])] : [];
    return await runInProcess([...args.map((arg) => (arg === ".streamport-migration-back" ? back : arg)), ...own, ...returning]);
  }

  async handle({ connection, topic }: Side, until: (handled: readonly string[]) => boolean): Promise<void> {
    const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group: GROUP });
    await consumer.run(({ value }) => {
      this.handled.push(Buffer.from(value).toString());
      if (until(this.handled)) void consumer.close();
    });
  }
}

/** @param which commands are run @param between is called before each command, by its first words */
async function follow(day: Day, which: (line: string) => boolean, between: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  for (const line of (await guideCommands()).filter(which)) {
    for (const [name, act] of Object.entries(between)) if (line.includes(name)) await act();
    const { exitCode, output, errors } = await day.run(line);
    expect({ line, exitCode, said: exitCode === 0 ? "" : output + errors }).toEqual({ line, exitCode: 0, said: "" });
  }
}

test("the commands of the guide move a stream, and finish", { timeout: 120_000 }, async (context) => {
  const day = await Day.begin(context);
  await produce(day.source, keysOf(6), 20);
  await day.handle(day.source, ({ length }) => length >= 50);
  await follow(day, (line) => !line.includes("rollback"), {
    "cutover finish": async () => {
      await produce(day.target, keysOf(6), 5, 20);
      await day.handle(day.target, (handled) => new Set(handled).size === 150);
    },
  });
  expect(new Set(day.handled).size).toBe(150);
});

test("the commands of the guide move a stream, and back", { timeout: 120_000 }, async (context) => {
  const day = await Day.begin(context);
  await produce(day.source, keysOf(6), 20);
  await day.handle(day.source, ({ length }) => length >= 50);
  await follow(day, (line) => !line.includes("finish"), {
    STREAM_SOURCE_URL: async () => {
      await produce(day.target, keysOf(6), 5, 20);
      await day.handle(day.target, ({ length }) => length >= 100);
    },
  });
  await produce(day.source, keysOf(6), 5, 25);
  await day.handle(day.source, (handled) => new Set(handled).size === 180);
  for (const key of keysOf(6)) {
    const numbers = [...new Set(day.handled.filter((text) => text.startsWith(`${key}:`)))].map((text) => Number(text.split(":")[1]));
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, number) => number));
  }
});
