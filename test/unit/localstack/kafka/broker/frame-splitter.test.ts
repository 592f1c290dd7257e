import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FrameSplitter } from "../../../../../localstack/kafka/broker/server/frame-splitter.ts";

function framed(content: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(content.length);
  return Buffer.concat([size, content]);
}

test("requests are put together, however the socket splits them", () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });
  fc.assert(
    fc.property(contents, fc.array(fc.integer({ min: 1, max: 60 })), (requests, cuts) => {
      const stream = Buffer.concat(requests.map(framed));
      const got: string[] = [];
      const splitter = new FrameSplitter(1_000, (frame) => void got.push(frame.toString("hex")));
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        if (at < stream.length) expect(splitter.push(stream.subarray(at, at + cut))).toBe(true);
        at += cut;
      }
      expect(got).toEqual(requests.map((request) => Buffer.from(request).toString("hex")));
    }),
  );
});

test("a length out of bounds is no request of Kafka", () => {
  const splitter = new FrameSplitter(100, () => undefined);
  expect(splitter.push(framed(Buffer.alloc(100)))).toBe(true);
  expect(splitter.push(Buffer.from([0, 0, 0, 101]))).toBe(false);
  // The first bytes of a TLS handshake.
  expect(new FrameSplitter(1_000_000, () => undefined).push(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))).toBe(false);
  expect(new FrameSplitter(100, () => undefined).push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toBe(false);
});
