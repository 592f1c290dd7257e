import type { ReceivedEventData } from "@azure/event-hubs";
import { expect, test } from "vitest";
import { recordOf } from "../../../../adapters/event-hubs/records.ts";
import { keyTextOf } from "../../../../src/codec/key-text.ts";
import { bytesToText } from "../../../../src/text-bytes.ts";

const VALUE = Buffer.from("value");

function eventWith(partitionKey: unknown): ReceivedEventData {
  return {
    partitionKey,
    body: VALUE,
    enqueuedTimeUtc: new Date(0),
    sequenceNumber: 1,
    offset: "8",
    getRawAmqpMessage: () => ({ bodyType: "data", body: VALUE }),
  } as unknown as ReceivedEventData;
}

test.each([["LH400"], ["München ✈"], ["\ufffd"], [""], [Buffer.from("LH400")], [Buffer.from([0xff, 0x41])], [7], [null], [undefined]])(
  "the key %j has one text and one size, by whichever way it is asked for",
  (partitionKey) => {
    const record = recordOf(eventWith(partitionKey));
    expect(keyTextOf(record)).toBe(record.key === null ? null : bytesToText(record.key));
    expect(record.bytes).toBe((record.key?.length ?? 0) + VALUE.length);
  },
);
