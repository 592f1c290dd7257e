import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reachableProviders } from "../../localstack/in-process.ts";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runProgram } from "../../localstack/kafka/program.ts";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { connect, text } from "../../src/index.ts";
import { runCommand } from "../package/command.ts";
import { projectRoot } from "../package/packed-package.ts";

const readme = await readFile(join(projectRoot, "README.md"), "utf8");
const allBlocks = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]!);
const isTest = (block: string): boolean => block.includes('from "vitest"');
/** Those that are tests of an application; the others are programs. */
const testBlocks = allBlocks.filter(isTest);
const blocks = allBlocks.filter((block) => !isTest(block));

/** Tests of the block that is one, on one provider. */
const TESTS_ON_EACH = 2;

interface Printed {
  readonly lines: readonly RegExp[];
  /** Sent when the last line is printed, where the program goes on until then. */
  readonly interrupt: "SIGINT" | "SIGTERM" | null;
}

/** What each block prints, in order. */
const expected: readonly Printed[] = [
  {
    lines: [
      /^stored: (ATL|DFW) (LAX|SEA) p1\./,
      /^stored: (ATL|DFW) (LAX|SEA) p1\./,
      /^stored: (ATL|DFW) (LAX|SEA) p1\./,
      /^handled: (ATL (12|3)|DFW 41)$/,
      /^handled: (ATL (12|3)|DFW 41)$/,
      /^handled: (ATL (12|3)|DFW 41)$/,
    ],
    interrupt: "SIGINT",
  },
  { lines: [/^not-found missing false$/], interrupt: null },
  { lines: [/^4$/], interrupt: null },
  {
    lines: [/^billed: order-[12] order-/, /^billed: order-[12] order-/, /^billed: order-[12] order-/],
    interrupt: "SIGTERM",
  },
  { lines: [/^# TYPE stream_lag_messages gauge$/], interrupt: null },
  { lines: [/^copied \d+, equal$/], interrupt: null },
];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-readme-"));
  // A package of this name whose entries are the sources: the blocks run exactly as they are printed.
  const home = join(folder, "node_modules", "streamport");
  await mkdir(home, { recursive: true });
  for (const name of ["src", "adapters", "localstack"]) await symlink(join(projectRoot, name), join(home, name), "dir");
  await symlink(join(projectRoot, "node_modules", "vitest"), join(folder, "node_modules", "vitest"), "dir");
  const entries = {
    ".": "./src/index.ts",
    "./memory": "./adapters/memory/index.ts",
    "./emulators": "./localstack/index.ts",
    "./migration": "./src/migration/index.ts",
  };
  await writeFile(join(home, "package.json"), JSON.stringify({ name: "streamport", type: "module", exports: entries }));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { noEmit: true, allowImportingTsExtensions: true, typeRoots: [join(projectRoot, "node_modules", "@types")] };
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(projectRoot, "tsconfig.json"), compilerOptions, include: ["*.ts"] }),
  );
  await Promise.all(blocks.map((block, index) => writeFile(join(folder, `block-${index}.ts`), block)));
  await Promise.all(testBlocks.map((block, index) => writeFile(join(folder, `block-${index}.test.ts`), block)));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("every block is expected here", () => {
  expect(blocks).toHaveLength(expected.length);
  expect(testBlocks).toHaveLength(1);
});

test("the blocks compile under the strictest settings", async () => {
  await runCommand(process.execPath, [join(projectRoot, "node_modules", "typescript", "bin", "tsc"), "-p", "."], folder);
});

const cases = expected.map((block, index) => ({ ...block, index }));

test.each(cases)("block $index runs on memory and ends", async ({ index, ...wanted }) => {
  expectPrinted(await run(`block-${index}.ts`, wanted), wanted);
});

test("what is printed of migrations moves a topic from one provider to another, as a program and as commands", async () => {
  await using kafka = await startEmulatedKafka({ topics: { flights: { partitions: 4 } } });
  await using kinesis = await startEmulatedKinesis({ topics: { departures: { partitions: 2 } } });
  await using connection = await connect(kafka.url);
  const flights = connection.topic("flights", { codec: text() });
  await flights.producer().sendBatch(Array.from({ length: 100 }, (_, index) => ({ key: `key-${index % 7}`, value: String(index) })));
  const sides = { STREAM_SOURCE_URL: kafka.url, STREAM_TARGET_URL: kinesis.url };
  const index = blocks.findIndex((block) => block.includes("streamport/migration"));
  expectPrinted(await run(`block-${index}.ts`, expected[index]!, sides), { lines: [/^copied 100, equal$/], interrupt: null });

  const [commands = ""] = /(?<=```sh\n)export STREAM_SOURCE_URL[^`]*/.exec(readme) ?? [];
  const program = `"${process.execPath}" "${join(projectRoot, "src", "cli", "main.ts")}"`;
  const script = commands
    .replace(/^export .*$/m, `export STREAM_SOURCE_URL='${kafka.url}' STREAM_TARGET_URL='${kinesis.url}'`)
    .replaceAll(/^streamport /gm, `${program} `);
  // Rejects where the exit code is not 0. The copy goes on behind what the program has copied.
  const { stderr } = await runProgram("sh", ["-c", `set -e\ncd "${folder}"\n${script}`], { timeoutMs: 60_000 });
  expect(stderr).toMatch(/^Copied 0 messages; .*\n100 messages in the source, 100 of them in the target: equal\.\n$/);
});

test("the blocks that are tests pass", async () => {
  const vitest = join(projectRoot, "node_modules", "vitest", "vitest.mjs");
  const outputFile = join(folder, "report.json");
  await runCommand(process.execPath, [vitest, "run", "--root", folder, "--reporter", "json", "--outputFile", outputFile], folder);
  const report: unknown = JSON.parse(await readFile(outputFile, "utf8"));
  // On each provider that an application could meet.
  const wanted = reachableProviders.length * TESTS_ON_EACH;
  expect(report).toMatchObject({ success: true, numTotalTests: wanted, numPassedTests: wanted });
  for (const provider of reachableProviders) expect(testBlocks[0]).toContain(`"${provider}"`);
});

const missing = kafkaRequirements();

describe.each(missing === null ? [] : [missing])("the programs of the README on a real Kafka", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(startKafka()).rejects.toThrow(reason);
  });
});

test.each(missing === null ? ["Kafka"] : [])("every block runs on a real %s by changing the URL, and nothing else", async () => {
  await using cluster = await startKafka();
  await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
  for (const topic of ["flights", "flights-failed", "orders-v1-eu", "orders-failed", "departures"])
    await connection.admin.createTopic(topic, { partitions: 4 });
  for (const { index, ...wanted } of cases) {
    const file = `block-${index}-kafka.ts`;
    await writeFile(join(folder, file), blocks[index]!.replaceAll('connect("memory:"', 'connect(process.env["STREAM_URL"]!'));
    const { url } = cluster;
    expectPrinted(await run(file, wanted, { STREAM_URL: url, STREAM_SOURCE_URL: url, STREAM_TARGET_URL: url }), wanted);
  }
});

function expectPrinted(printed: readonly string[], { lines, interrupt }: Printed): void {
  expect(printed).toHaveLength(lines.length);
  for (const [at, line] of lines.entries()) expect(printed[at]).toMatch(line);
  const ofOneKey = (lead: string): readonly string[] => printed.filter((line) => line.startsWith(lead));
  if (interrupt === "SIGINT") expect(ofOneKey("handled: ATL")).toEqual(["handled: ATL 12", "handled: ATL 3"]);
  if (interrupt === "SIGTERM")
    expect(ofOneKey("billed: order-1")).toEqual(["billed: order-1 order-1 created", "billed: order-1 order-1 paid"]);
}

/** @returns the printed lines. Interrupted after the last that is expected, where the block goes on. */
async function run(
  file: string,
  { lines: wanted, interrupt }: Printed,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  // A run begins as in an empty folder: the checkpoints of a copy belong to its two topics.
  await rm(join(folder, ".streamport-migration"), { recursive: true, force: true });
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 15_000,
    env: { PATH: process.env["PATH"], ...env },
  });
  let output = "";
  let errors = "";
  const lines = (): string[] => output.split("\n").slice(0, -1);
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (interrupt !== null && lines().length === wanted.length) child.kill(interrupt);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once("close", (...end) => resolve(end)));
  expect({ code, signal, errors }).toEqual({ code: 0, signal: null, errors: "" });
  return lines();
}
