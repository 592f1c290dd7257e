import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { messagePrinter } from "../../../../src/cli/output/message-printer.ts";
import { MessageRows } from "../../../../src/cli/output/message-rows.ts";
import { StandardOutput } from "../../../../src/cli/output/standard-output.ts";
import { bytesTopic } from "../../../../src/cli/process/with-connection.ts";
import { type Message, connect } from "../../../../src/index.ts";
import { gather } from "../gather.ts";

const AT = Date.UTC(2026, 10, 21, 15);
const TIME = "2026-11-21T15:00:00.000Z";

interface Given {
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As they are stored. */
async function messagesOf(given: readonly Given[], url = "memory:?create=rows"): Promise<readonly Message<Uint8Array | null>[]> {
  await using connection = await connect(url);
  const topic = bytesTopic(connection, "rows");
  const producer = topic.producer();
  const place = connection.capabilities.producerTimestamps ? { toPartition: "0", producedAt: AT } : {};
  for (const each of given) await producer.send({ ...each, ...place });
  return await gather(topic.reader({ until: "now" }));
}

function stream(isTerminal: boolean): NodeJS.WriteStream {
  const given = { isTTY: isTerminal, getColorDepth: () => 8, hasColors: () => true, write: () => true } as unknown as NodeJS.WriteStream;
  return Object.setPrototypeOf(given, process.stdout) as NodeJS.WriteStream;
}

async function rowsOf(given: readonly Given[], url?: string): Promise<readonly string[]> {
  const text = new MessageRows(stream(false)).of(await messagesOf(given, url));
  return stripVTControlCharacters(text).split("\n").slice(0, -1);
}

test("a heading, then a row a message: partition, offset, time, key, value, headers", async () => {
  const rows = await rowsOf([
    { key: "ATL", value: Buffer.from('{"delay":12}') },
    { key: "a-longer-key", value: Buffer.from("text"), headers: { trace: "1", host: "web" } },
    { key: null, value: Buffer.from([0xff, 0]) },
    { key: "k", value: null },
    { key: "k", value: Buffer.alloc(0) },
  ]);
  expect(rows).toEqual([
    "partition    offset  time                      key           value",
    `        0         0  ${TIME}  ATL           {"delay":12}`,
    `        0         1  ${TIME}  a-longer-key  text  {trace=1, host=web}`,
    `        0         2  ${TIME}  -             (2 bytes, base64) /wA=`,
    `        0         3  ${TIME}  k             (tombstone)`,
    `        0         4  ${TIME}  k             (empty)`,
  ]);
});

test("a long position of the provider shows its end, in which neighbours differ", async () => {
  const [heading, first] = await rowsOf([{ key: "k", value: Buffer.from("v") }], "memory:?create=rows&like=kinesis");
  expect(heading).toMatch(/^ *partition +(position|offset)  time/);
  expect(first!.length).toBeLessThan(120);
});

test("the heading comes once", async () => {
  const messages = await messagesOf([{ key: "k", value: Buffer.from("v") }]);
  const rows = new MessageRows(stream(false));
  expect(rows.of(messages).split("\n")).toHaveLength(3);
  expect(rows.of(messages).split("\n")).toHaveLength(2);
  expect(rows.of([])).toBe("");
});

test("a long value is cut, and that is said", async () => {
  const rows = await rowsOf([
    { key: "k", value: Buffer.alloc(2_000, "x") },
    { key: "k", value: Buffer.alloc(1_000_000, "é") },
    { key: "k", value: Buffer.alloc(1_000_000, 0xff) },
  ]);
  expect(rows[1]).toMatch(/  x{2000}$/);
  expect(rows[2]).toMatch(/  é{2000} … \(1,000,000 bytes; --json prints all\)$/);
  expect(rows[3]).toMatch(/^.{0,2100}… \(1,000,000 bytes; --json prints all\)$/);
});

test("colours on a terminal only", async () => {
  const messages = await messagesOf([{ key: "k", value: Buffer.from("v") }]);
  expect(new MessageRows(stream(false)).of(messages)).not.toContain("\u001b[");
  expect(new MessageRows(stream(true)).of(messages)).toContain("\u001b[");
});

test("nothing that is stored can move the cursor, colour the terminal or turn its writing round", async () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      fc.constantFrom("\u001b", "\u009b", "\n", "\u202e", "\udc9b"),
    ),
  });
  await fc.assert(
    fc.asyncProperty(nasty, nasty, async (key, text) => {
      const printed = (
        await rowsOf([
          { key: `k${key.toWellFormed()}`, value: Buffer.from(text, "utf8"), headers: { [`h${text.toWellFormed()}`]: key.toWellFormed() } },
        ])
      ).join("\n");
      expect(printed.split("\n")).toHaveLength(2);
      expect(printed.replace("\n", "")).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
    }),
    { numRuns: 100 },
  );
});

test("rows on a terminal, lines of JSON in a pipe and where they are asked for", async () => {
  const messages = await messagesOf([{ key: "k", value: Buffer.from("v") }]);
  const printed = (isTerminal: boolean, json?: boolean): string =>
    String(Buffer.from(messagePrinter(new StandardOutput(stream(isTerminal)), json).of(messages)));
  expect(printed(true)).toMatch(/partition/);
  for (const line of [printed(false), printed(true, true), printed(false, true)])
    expect(JSON.parse(line)).toMatchObject({ key: "k", value: "v" });
});
