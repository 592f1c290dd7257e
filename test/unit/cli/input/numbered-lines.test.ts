import * as fc from "fast-check";
import { expect, test } from "vitest";
import { numberedLines } from "../../../../src/cli/input/numbered-lines.ts";
import { gather } from "../gather.ts";

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function linesIn(...chunks: readonly Uint8Array[]): Promise<string[][]> {
  const batches: string[][] = [];
  for await (const lines of numberedLines(chunksOf(...chunks))) {
    batches.push(lines.map(({ number, bytes }) => `${number}:${bytes.toString("latin1")}`));
  }
  return batches;
}

const text = (value: string): Buffer => Buffer.from(value, "latin1");

test("lines come with the chunk that ends them; the last may have no line break", async () => {
  expect(await linesIn(text("one\ntw"), text("o"), text("\nthree\nfour"))).toEqual([["1:one"], ["2:two", "3:three"], ["4:four"]]);
});

test("CRLF ends a line as LF does; other carriage returns stay", async () => {
  expect(await linesIn(text("a\r"), text("\nb\rc\r\n\r\n"))).toEqual([["1:a", "2:b\rc", "3:"]]);
});

test("a byte order mark at the beginning belongs to no line, wherever the input is cut; others stay", async () => {
  const mark = Buffer.from([0xef, 0xbb, 0xbf]);
  const kept = mark.toString("latin1");
  expect(await linesIn(mark, text("a\n"), mark, text("b"))).toEqual([["1:a"], [`2:${kept}b`]]);
  expect(await linesIn(mark.subarray(0, 2), mark.subarray(2), text("\nb"))).toEqual([["1:"], ["2:b"]]);
  expect(await linesIn(mark)).toEqual([["1:"]]);
});

test("an empty input has no line, an empty line is one", async () => {
  expect(await linesIn()).toEqual([]);
  expect(await linesIn(text(""))).toEqual([]);
  expect(await linesIn(text("\n\n"))).toEqual([["1:", "2:"]]);
});

test("wherever the input is cut, the lines are the same, every byte of them", async () => {
  const line = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10 && byte !== 13)));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 10 }), async (lines, cuts) => {
      const input = Buffer.concat(lines.flatMap((bytes) => [bytes, text("\n")]));
      const places = [0, ...cuts.map((cut) => cut % (input.length + 1)).toSorted((a, b) => a - b), input.length];
      const chunks = places.slice(1).map((end, index) => input.subarray(places[index], end));
      const expected = lines.map((bytes, index) => `${index + 1}:${bytes.toString("latin1")}`);
      expect((await linesIn(...chunks)).flat()).toEqual(expected);
    }),
  );
});

test("an input without line breaks does not fill the memory", async () => {
  const chunk = Buffer.alloc(1024 * 1024, "x");
  let handedOut = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    yield text("first\n");
    for (;;) {
      handedOut += 1;
      yield chunk;
    }
  }
  const reading = gather(numberedLines(endless()));
  await expect(reading).rejects.toMatchObject({ code: "too-large", message: expect.stringContaining("line 2 is longer than 67,108,864") });
  expect(handedOut).toBe(65);
});

test("what begins a line is no line when the input breaks off", async () => {
  const cause = new Error("cut");
  async function* broken(): AsyncGenerator<Buffer> {
    yield text("one\ntw");
    throw cause;
  }
  const seen: number[] = [];
  const reading = (async () => {
    for await (const lines of numberedLines(broken())) seen.push(...lines.map(({ number }) => number));
  })();
  await expect(reading).rejects.toBe(cause);
  expect(seen).toEqual([1]);
});
