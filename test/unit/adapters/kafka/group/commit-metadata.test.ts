import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AheadOffsets,
  type CommitContent,
  DEFAULT_METADATA_BYTES,
  newNote,
  readMetadata,
  writeMetadata,
} from "../../../../../adapters/kafka/group/commit-metadata.ts";
import { crc32c } from "../../../../../adapters/kafka/log/crc32c.ts";

const ORIGIN = { clusterId: "5L6g3nShT-eMCtK--X86sw", topicId: "0123456789abcdef".repeat(2) };
const OFFSET = 1_000_000n;

function write(content: CommitContent, maxBytes = DEFAULT_METADATA_BYTES, offset = OFFSET): string {
  const text = writeMetadata(ORIGIN, offset, content, maxBytes);
  expect(text).not.toBeNull();
  return text!;
}

/** Everything from the offset to `upTo` in one leader epoch. */
function aheadOf(upTo: number, except: readonly number[], offset = OFFSET): AheadOffsets {
  return { upTo, except, epochs: [{ leaderEpoch: 5, endOffset: offset + BigInt(upTo) + 1n }] };
}

/** The handled distances. */
function handled({ upTo, except }: AheadOffsets): ReadonlySet<number> {
  const missing = new Set(except);
  return new Set(Array.from({ length: upTo + 1 }, (_, distance) => distance).filter((distance) => !missing.has(distance)));
}

/** With a checksum that matches, as a defect of another version could write it. */
function sealed(body: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32c(Buffer.from(body, "latin1")));
  return `streamport/1 ${bytes.toString("base64url")}${body}`;
}

const AHEAD: AheadOffsets = {
  upTo: 99,
  except: [0, 4, 5],
  epochs: [
    { leaderEpoch: 3, endOffset: OFFSET + 2n },
    { leaderEpoch: 7, endOffset: OFFSET + 100n },
  ],
};
const CONTENT: CommitContent = { note: "n0te_-", ahead: AHEAD };
const BEGIN = "streamport/1 ".length;
const CHECKSUM_END = BEGIN + 6;
const BODY = write(CONTENT).slice(CHECKSUM_END);

const offsets = fc.bigInt({ min: 0n, max: 2n ** 63n - 200_000_000n });
/** Runs of unfinished and handled offsets; some are gaps as compaction and transactions leave them. */
const runs = fc.array(fc.tuple(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 90 })), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 80,
});
/** Fewer, so that every offset of them can be compared. */
const shortRuns = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }))), {
  minLength: 1,
  maxLength: 60,
});
const notes = fc.option(fc.stringMatching(/^[\w-]{6}$/));

function contentOf(
  offset: bigint,
  lengths: readonly (readonly [number, number])[],
  note: string | null,
  epochCount: number,
): CommitContent {
  const except: number[] = [];
  let at = 0;
  for (const [unfinished, done] of lengths) {
    for (let count = 0; count < unfinished; count += 1) except.push(at + count);
    at += unfinished + done;
  }
  const count = Math.min(epochCount, at);
  const epochs = Array.from({ length: count }, (_, index) => ({
    leaderEpoch: index * 3,
    endOffset: offset + BigInt(Math.floor((at * (index + 1)) / count)),
  }));
  return { note, ahead: { upTo: at - 1, except, epochs } };
}

describe("the metadata of a commit", () => {
  test("has this form in version 1, which stays readable", () => {
    const text = write(CONTENT);
    expect(text).toBe("streamport/1 CpyynA_Fe0C-URASNFZ4mrze8BI0VniavN7wlfls!n0te_-@3:2,7=rBDC-C");
    expect(readMetadata(ORIGIN, OFFSET, text)).toEqual(CONTENT);
  });

  test("is read back as it was written, if it fits", () => {
    fc.assert(
      fc.property(offsets, runs, notes, fc.integer({ min: 1, max: 16 }), (offset, lengths, note, epochCount) => {
        const content = contentOf(offset, lengths, note, epochCount);
        const text = write(content, 32_000, offset);
        expect(text).toMatch(/^[\x20-\x7e]+$/);
        expect(readMetadata(ORIGIN, offset, text)).toEqual(content);
      }),
      { numRuns: 300, seed: 13 },
    );
  });

  test("keeps to the bound, and never names an offset that is not handled", () => {
    fc.assert(
      fc.property(
        offsets,
        shortRuns,
        notes,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 400 }),
        (offset, lengths, note, epochs, max) => {
          const content = contentOf(offset, lengths, note, epochs);
          const text = writeMetadata(ORIGIN, offset, content, max);
          if (text === null) {
            expect(max).toBeLessThan(64);
            return;
          }
          expect(text.length).toBeLessThanOrEqual(max);
          const found = readMetadata(ORIGIN, offset, text) as CommitContent;
          expect([note, null]).toContain(found.note);
          if (found.ahead === null) return;
          const all = handled(content.ahead!);
          const { upTo } = found.ahead;
          // Exactly what is handled up to there, and where it ends something is handled.
          expect([...handled(found.ahead)]).toEqual([...all].filter((distance) => distance <= upTo));
          expect(all.has(upTo)).toBe(true);
          expect(found.ahead.epochs.at(-1)!.endOffset).toBe(offset + BigInt(upTo) + 1n);
          for (const { endOffset, leaderEpoch } of found.ahead.epochs) {
            expect(content.ahead!.epochs.find((end) => end.endOffset >= endOffset)!.leaderEpoch).toBe(leaderEpoch);
          }
        },
      ),
      { numRuns: 1_000, seed: 13 },
    );
  });

  test("is a bitmap or run lengths, whichever is shorter", () => {
    const scattered = write({
      note: null,
      ahead: aheadOf(
        9_999,
        Array.from({ length: 5_000 }, (_, index) => index * 2),
      ),
    });
    expect(scattered).toMatch(/=b/);
    expect(scattered.length).toBeLessThan(1_750);
    const long = write({ note: null, ahead: aheadOf(9_999, [0, 5_000]) });
    expect(long).toMatch(/=r/);
    expect(long.length).toBeLessThan(80);
    // A gap of a compacted topic.
    const ahead = aheadOf(8_000_000_000, [0, 7_000_000_000]);
    expect(readMetadata(ORIGIN, OFFSET, write({ note: null, ahead }))).toEqual({ note: null, ahead });
  });

  test("reaches 24,000 offsets in the worst case, with the server's default bound", () => {
    const text = write({
      note: newNote(),
      ahead: aheadOf(
        99_999,
        Array.from({ length: 50_000 }, (_, index) => index * 2),
      ),
    });
    expect((readMetadata(ORIGIN, OFFSET, text) as CommitContent).ahead!.upTo).toBeGreaterThan(24_000);
  });

  test("always has room for cluster, topic and offset in 64 bytes, and for a few offsets ahead in 128", () => {
    const ahead = aheadOf(900, [0, 17, 300]);
    expect(readMetadata(ORIGIN, OFFSET, write({ note: newNote(), ahead }, 64))).toEqual({ note: expect.any(String), ahead: null });
    const latest = 2n ** 63n - 1n;
    expect(readMetadata(ORIGIN, latest, write({ note: newNote(), ahead: null }, 64, latest))).toEqual({ note: null, ahead: null });
    expect(readMetadata(ORIGIN, OFFSET, write({ note: "abcdef", ahead }, 128))).toEqual({ note: "abcdef", ahead });
    expect(writeMetadata(ORIGIN, OFFSET, CONTENT, 40)).toBeNull();
  });

  test("with more epochs than have room reaches less far", () => {
    const epochs = Array.from({ length: 100 }, (_, index) => ({ leaderEpoch: index, endOffset: OFFSET + BigInt(index + 1) * 10n }));
    const text = write({ note: null, ahead: { upTo: 999, except: [0], epochs } });
    const { ahead } = readMetadata(ORIGIN, OFFSET, text) as CommitContent;
    expect(ahead).toEqual({ upTo: 159, except: [0], epochs: epochs.slice(0, 16) });
  });

  test("without handled offsets in the first known epoch names none", () => {
    const epochs = [{ leaderEpoch: 1, endOffset: OFFSET + 2n }];
    expect(readMetadata(ORIGIN, OFFSET, write({ note: null, ahead: { upTo: 5, except: [0, 1], epochs } }))).toEqual({
      note: null,
      ahead: null,
    });
  });

  test("is absent without a topic id, and has the earlier form without a cluster id", () => {
    expect(writeMetadata({ ...ORIGIN, topicId: null }, OFFSET, CONTENT, 4_096)).toBeNull();
    const origin = { ...ORIGIN, clusterId: null };
    const text = writeMetadata(origin, OFFSET, CONTENT, 4_096);
    expect(text).toBe(`streamport topic ${ORIGIN.topicId}`);
    expect(readMetadata(origin, OFFSET, text)).toEqual({ note: null, ahead: null });
    expect(readMetadata(origin, OFFSET, write(CONTENT))).toBe("foreign");
    expect(readMetadata({ ...ORIGIN, topicId: null }, OFFSET, write(CONTENT))).toBe("foreign");
  });
});

describe("metadata that is not this group's own", () => {
  test("counts as that of another client if any one character is another", () => {
    const text = write(CONTENT);
    for (let at = 0; at < text.length; at += 1) {
      for (const other of ["A", "z", "9", "-", ".", " ", "\u00e9", ""]) {
        if (other === text[at]) continue;
        const damaged = text.slice(0, at) + other + text.slice(at + 1);
        expect({ at, other, found: readMetadata(ORIGIN, OFFSET, damaged) }).toEqual({ at, other, found: "foreign" });
      }
    }
    for (const length of [0, 1, 12, 13, 30, text.length - 1]) expect(readMetadata(ORIGIN, OFFSET, text.slice(0, length))).toBe("foreign");
    expect(readMetadata(ORIGIN, OFFSET, `${text}A`)).toBe("foreign");
  });

  test.each<[string, (body: string) => string, unknown]>([
    ["another cluster, as a tool copies it", (body) => `AAAAAAAA${body.slice(8)}`, "foreign"],
    ["another cluster and topic", (body) => "A".repeat(30) + body.slice(30), "foreign"],
    ["an earlier topic of the same name", (body) => `${body.slice(0, 8)}${"A".repeat(22)}${body.slice(30)}`, "earlier-topic"],
    ["another offset", (body) => body.replace("lfls!", "lflt!"), "foreign"],
    ["another note", (body) => body.replace("n0te_-", "ABCDEF"), { ...CONTENT, note: "ABCDEF" }],
    ["no note", (body) => body.replace("!n0te_-", ""), { ...CONTENT, note: null }],
    ["a note that is too short", (body) => body.replace("n0te_-", "n0te"), "foreign"],
    ["an epoch without a length", (body) => body.replace("3:2", "3"), "foreign"],
    ["a last epoch with a length", (body) => body.replace(",7=", ",7:8="), "foreign"],
    ["an epoch that ends after the last handled offset", (body) => body.replace("3:2", "3:zz"), "foreign"],
    ["an empty epoch", (body) => body.replace("3:2", "3:0"), "foreign"],
    ["an epoch that is too large", (body) => body.replace(",7=", ",zzzzzzz="), "foreign"],
    ["no epochs", (body) => body.replace("@3:2,7", "@"), "foreign"],
    ["an empty list of offsets", (body) => body.replace("=rBDC-C", "=r"), "foreign"],
    ["a run without its handled offsets", (body) => body.replace("=rBDC-C", "=rBDC"), "foreign"],
    ["a handled run of no offset", (body) => body.replace("=rBDC-C", "=rBDCA"), "foreign"],
    ["a run length that goes on at the end", (body) => body.replace("=rBDC-C", "=rBDCg"), "foreign"],
    ["a run length beyond all numbers", (body) => body.replace("=rBDC-C", `=rB${"_".repeat(12)}E`), "foreign"],
    ["more unfinished offsets than a member can have", (body) => body.replace("=rBDC-C", "=rggggBE"), "foreign"],
    ["a bitmap that ends without a handled offset", (body) => body.replace("=rBDC-C", "=bBA"), "foreign"],
    ["another kind of list", (body) => body.replace("=rBDC-C", "=xBDCE"), "foreign"],
  ])("%s, with a checksum that matches", (_name, change, found) => {
    const body = change(BODY);
    expect(body).not.toBe(BODY);
    expect(readMetadata(ORIGIN, OFFSET, sealed(body))).toEqual(found);
  });

  test("of a later version, of another client, or of any text is never an error", () => {
    for (const text of [null, "", "another client's own", "streamport/2 anything", "streamport/", "streamport/1 "]) {
      expect(readMetadata(ORIGIN, OFFSET, text)).toBe("foreign");
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        expect(readMetadata(ORIGIN, OFFSET, text)).toBe("foreign");
        expect(readMetadata(ORIGIN, OFFSET, `streamport/1 ${text}`)).toBe("foreign");
        expect(readMetadata(ORIGIN, OFFSET, `streamport topic ${text}`)).toBe("foreign");
      }),
      { numRuns: 200, seed: 13 },
    );
    const fields = fc.tuple(fc.stringMatching(/^[0-9a-z:,]{1,20}$/), fc.stringMatching(/^[rb][\w-]{1,20}$/));
    fc.assert(
      fc.property(fields, ([epochs, distances]) => {
        const found = readMetadata(ORIGIN, OFFSET, sealed(`${BODY.slice(0, BODY.indexOf("@"))}@${epochs}=${distances}`));
        if (found !== "foreign") expect(writeMetadata(ORIGIN, OFFSET, found as CommitContent, 4_096)).not.toBeNull();
      }),
      { numRuns: 200, seed: 13 },
    );
  });

  test("of an earlier version names its topic, and that version takes the new form for another client's", () => {
    expect(readMetadata(ORIGIN, OFFSET, `streamport topic ${ORIGIN.topicId}`)).toEqual({ note: null, ahead: null });
    expect(readMetadata(ORIGIN, OFFSET, `streamport topic ${"f".repeat(32)}`)).toBe("earlier-topic");
    // It dropped the offset of every metadata with this prefix that was not exactly its own.
    expect(write(CONTENT).startsWith("streamport topic ")).toBe(false);
    expect(readMetadata(ORIGIN, OFFSET, `streamport topic ${ORIGIN.topicId} `)).toBe("foreign");
    expect(readMetadata(ORIGIN, OFFSET, "streamport topic of another tool")).toBe("foreign");
  });

  test("notes differ", () => {
    const made = Array.from({ length: 1_000 }, newNote);
    expect(new Set(made).size).toBe(1_000);
    expect(made.every((note) => /^[\w-]{6}$/.test(note))).toBe(true);
  });
});
