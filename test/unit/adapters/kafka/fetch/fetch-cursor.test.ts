import { expect, test } from "vitest";
import { FetchCursor } from "../../../../../adapters/kafka/fetch/fetch-cursor.ts";
import type { KafkaRecord } from "../../../../../adapters/kafka/records.ts";

const portion = (name: string) => ({ records: [name as unknown as KafkaRecord], through: null, isAtEnd: false });

test.each([0, 1, 2, 3, 4, 5, 6])(
  "a portion that is pushed %i steps after the delivery of the previous one is delivered too",
  async (steps) => {
    const handed: unknown[] = [];
    const cursor = new FetchCursor(
      0,
      { offset: 0n, leaderEpoch: -1 },
      {
        deliver: async (records) => {
          handed.push(...records);
          return true;
        },
        advanced: () => true,
        caughtUp: () => true,
        gap: async () => true,
        unreadable: async () => true,
      },
    );
    const later = async (): Promise<void> => {
      if (handed.length > 1) return;
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      cursor.push(portion("second"), () => undefined);
    };
    cursor.push(portion("first"), () => void later());
    await new Promise((resolve) => setImmediate(resolve));
    expect(handed).toEqual(["first", "second"]);
    expect(cursor.hasRoom).toBe(true);
  },
);
