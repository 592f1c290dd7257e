import { expect, test } from "vitest";
import { DeliveryDigest } from "../../bench/delivery-digest.ts";
import { type Contestant, compare, startWatch, worstControl } from "../../bench/paired.ts";

const pairs = { pairs: 4, warmUp: 1 };

/** Takes what the list says, one after the other. */
function taking(order: string[], name: string, microseconds: readonly number[]): Contestant {
  let turn = 0;
  return async () => {
    order.push(name);
    turn += 1;
    return { microseconds: microseconds[(turn - 1) % microseconds.length]!, cpuMicroseconds: 1 };
  };
}

test("each round is raw, the challenger, raw, and goes backwards every other time", async () => {
  const order: string[] = [];
  const raw = taking(order, "raw", [2]);
  const { figures, control } = await compare({ ours: taking(order, "ours", [1]), slow: taking(order, "slow", [4]) }, raw, pairs);
  expect(order.join(" ")).toBe(
    Array(5)
      .fill("raw slow ours raw")
      .map((round, index) => (index % 2 === 0 ? round : "raw ours slow raw"))
      .join(" "),
  );
  expect(figures.ours.speed).toBe(2);
  expect(figures.slow.speed).toBe(0.5);
  expect(control).toBe(1);
});

test("a control out of its bounds is measured again, three times at most", async () => {
  const order: string[] = [];
  // Its second measurement of a round takes twice as long, whichever way the round goes.
  const drifting: Contestant = async () => {
    order.push("raw");
    const forwards = Math.floor((order.length - 1) / 2) % 2 === 0;
    return { microseconds: (order.length % 2 === 1) === forwards ? 1 : 2, cpuMicroseconds: 1 };
  };
  const { control } = await compare({}, drifting, { pairs: 4, warmUp: 0 });
  expect(control).toBe(0.5);
  expect(order).toHaveLength(3 * 4 * 2);
  expect(worstControl([{ control: 1.01 }, { control }])).toBe(0.5);
});

test("a sample is of one message", () => {
  const watch = startWatch();
  const sample = watch(1_000_000_000);
  expect(sample.microseconds).toBeLessThan(1);
  expect(sample.cpuMicroseconds).toBeGreaterThanOrEqual(0);
});

test("a digest knows what is missing, twice or another message, in any order", () => {
  const value = (number: number): Uint8Array => Uint8Array.of(0, 0, 0, number);
  const values = [value(1), value(2)];
  const digestOf = (...numbers: readonly number[]): DeliveryDigest => {
    const digest = new DeliveryDigest();
    for (const number of numbers) digest.add(value(number));
    return digest;
  };
  digestOf(2, 1).verify("topic", values);
  digestOf(2, 2, 1, 1).verify("topic", values, 2);
  for (const wrong of [digestOf(1), digestOf(1, 1), digestOf(1, 3), digestOf(1, 2, 2)]) {
    expect(() => wrong.verify("topic", values)).toThrow("topic: ");
  }
});
