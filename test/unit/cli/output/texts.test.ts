import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { styleText } from "node:util";
import { describe, expect, test } from "vitest";
import { durationText } from "../../../../src/cli/output/duration-text.ts";
import { placesOf } from "../../../../src/cli/output/group-text.ts";
import { lineRanges, produceAccount } from "../../../../src/cli/output/produce-account.ts";
import { Progress } from "../../../../src/cli/output/progress.ts";
import { StandardOutput } from "../../../../src/cli/output/standard-output.ts";
import { lagTable, table } from "../../../../src/cli/output/table.ts";
import { BrokenPipeError } from "../../../../src/cli/process/exit-errors.ts";
import { redactUrls } from "../../../../src/redact-urls.ts";
import { StreamError } from "../../../../src/index.ts";
import { sealBookmark } from "../../../../src/position/position.ts";

test.each([
  ["kafka://user:pa:ss@host:9092,other:9092", "kafka://***@host:9092,other:9092"],
  ["event-hubs://$ConnectionString:Endpoint%3Dsb@h", "event-hubs://***@h"],
  ["pw with an @ kafka://user:p@ss@host", "pw with an @ kafka://***@host"],
  ["'--url=kafka://u:p@h?sasl.password=x&tls=true'.", "'--url=kafka://***@h?sasl.password=***&tls=***'."],
  ["kafka://user:p/a?s's@host", "kafka://***@host"],
  ["kafka://host:9092 is no secret", "kafka://host:9092 is no secret"],
  ["mail@example.com and memory:x", "mail@example.com and memory:x"],
])("%s shows as %s", (text, shown) => {
  expect(redactUrls(text)).toBe(shown);
});

test.each([
  [[4], "4"],
  [[4, 5, 6, 9], "4 to 6 and 9"],
  [[1, 3, 4, 6], "1, 3 to 4 and 6"],
  [Array.from({ length: 13 }, (_, index) => 2 * index), "0, 2, 4, 6, 8, 10, 12, 14, 16, 18 and 3 more"],
])("the lines %j are %s", (lines, text) => {
  expect(lineRanges(lines)).toBe(text);
});

describe("what became of the input", () => {
  const tooLarge = new StreamError("too-large", "text");
  const unknown = new StreamError("outcome-unknown", "text");

  test("of all of it", () => {
    expect(produceAccount({ storedCount: 20_000, failed: [], throughLine: 20_000, isWhole: true, seconds: 1.24 })).toBe(
      "20,000 messages stored in 1.2 s",
    );
    expect(produceAccount({ storedCount: 1, failed: [], throughLine: 1, isWhole: true, seconds: 0 })).toBe("1 message stored in 0.0 s");
  });

  test("of a part", () => {
    const failed = [
      { line: 17, error: tooLarge },
      { line: 20, error: unknown },
      { line: 21, error: unknown },
    ];
    expect(produceAccount({ storedCount: 697, failed, throughLine: 700, isWhole: false, seconds: 1 })).toBe(
      "697 messages stored; not stored: line 17; stored or not: lines 20 to 21; nothing from line 701 on was sent",
    );
  });
});

test("columns are as wide as their widest cell, numbers to the right, whatever their colour", () => {
  const green = styleText("green", "ok", { validateStream: false });
  expect(
    table([
      ["name", "count", "last"],
      [green, "7", "x"],
      ["longer", "1,000", "-"],
    ]),
  ).toBe(`name    count  last\n${green}          7  x\nlonger  1,000  -\n`);
  expect(
    table(
      [
        ["retention", "7 d"],
        ["partitions", "8: 0"],
      ],
      { numbersRight: false },
    ),
  ).toBe("retention   7 d\npartitions  8: 0\n");
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [3_240, "3.2 s"],
  [90_000, "1.5 m"],
  [604_800_000, "7 d"],
])("%d ms is %s", (milliseconds, text) => {
  expect(durationText(milliseconds)).toBe(text);
});

test("lag is shown by partition and in all; - is an unknown value", () => {
  const partitions = [
    { partition: "0", messages: 1_200, timeMs: 3_240 },
    { partition: "1", messages: 0, timeMs: null },
  ];
  const text = lagTable([
    { group: "billing", lag: { messages: 1_200, timeMs: 3_240, partitions } },
    { group: "audit", lag: { messages: null, timeMs: 0, partitions: [] } },
  ]);
  expect(text).toBe(
    [
      "group    partition  messages  age",
      "billing          0     1,200  3.2 s",
      "billing          1         0  -",
      "billing  all           1,200  3.2 s",
      "audit    all        -          0 ms",
      "",
    ].join("\n"),
  );
});

test("the places of a bookmark are shown in the terms of the provider", () => {
  const entries = [
    ["0", "@", "7"],
    ["1", ">", "8"],
    ["2", "t", 0],
    ["3", "e"],
    ["4", "l"],
    ["5", "x"],
  ];
  expect([...placesOf(sealBookmark(["kafka", "c", "t", "i", entries]))]).toEqual([
    ["0", "at 7"],
    ["1", "after 8"],
    ["2", "from 1970-01-01T00:00:00.000Z"],
    ["3", "earliest"],
    ["4", "latest"],
    ["5", "ended"],
  ]);
});

type Terminal = PassThrough & NodeJS.WriteStream;

function terminal(isTTY: boolean): { readonly stream: Terminal; readonly written: () => string } {
  const stream = new PassThrough() as unknown as Terminal;
  stream.isTTY = isTTY;
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { stream, written: () => text };
}

describe("progress", () => {
  test("is one line on a terminal, and is taken away", async () => {
    const { stream, written } = terminal(true);
    const progress = new Progress(() => "7 stored", { stream });
    await sleep(600);
    progress.end();
    await sleep(300);
    const anew = "\r\u001B[K";
    expect(new Set(written().split(anew))).toEqual(new Set(["", "7 stored"]));
    expect(written().endsWith(`7 stored${anew}`)).toBe(true);
  });

  test.each([
    [false, false],
    [true, true],
  ])("is nothing anywhere else (terminal: %s, hidden: %s)", async (isTTY, hidden) => {
    const { stream, written } = terminal(isTTY);
    const progress = new Progress(() => "7 stored", { stream, hidden });
    await sleep(600);
    progress.end();
    expect(written()).toBe("");
  });

  test.each([true, false])("a line that stays is printed above it, on a terminal or not (terminal: %s)", async (isTTY) => {
    const { stream, written } = terminal(isTTY);
    const progress = new Progress(() => "7 stored", { stream });
    await sleep(600);
    progress.print("begins");
    progress.end();
    expect(written().endsWith(isTTY ? "7 stored\r\u001B[Kbegins\n" : "begins\n")).toBe(true);
  });
});

describe("standard output", () => {
  function failing(code: string): StandardOutput {
    const stream = new PassThrough() as unknown as Terminal;
    stream.on("error", () => undefined);
    stream._write = (_chunk, _encoding, done) => done(Object.assign(new Error("no"), { code }));
    return new StandardOutput(stream);
  }

  test("takes a text when the stream has", async () => {
    const stream = new PassThrough({ highWaterMark: 1 }) as unknown as Terminal;
    const taken: string[] = [];
    let release = (): void => undefined;
    stream._write = (chunk: Buffer, _encoding, done) => {
      taken.push(chunk.toString());
      release = done;
    };
    let isWritten = false;
    const writing = new StandardOutput(stream).write("line\n").then(() => (isWritten = true));
    await sleep(10);
    expect({ taken, isWritten }).toEqual({ taken: ["line\n"], isWritten: false });
    release();
    await writing;
    expect(isWritten).toBe(true);
  });

  test("without a reader is a broken pipe, now and ever after", async () => {
    const output = failing("EPIPE");
    await expect(output.write("x")).rejects.toBeInstanceOf(BrokenPipeError);
    await expect(output.write("y")).rejects.toBeInstanceOf(BrokenPipeError);
  });

  test("that takes no more for another reason is an error with a code", async () => {
    await expect(failing("ENOSPC").write("x")).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("ENOSPC") });
  });
});
