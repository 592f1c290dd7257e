import { expect } from "vitest";
import { DEVIATIONS } from "./deviations.ts";

/** The emulator has the same outcome as Kafka, or exactly the listed deviation. */
export function expectSame(name: string, emulated: unknown, real: unknown): void {
  const deviation = DEVIATIONS[name];
  if (deviation === undefined) {
    expect(emulated).toEqual(real);
    return;
  }
  expect(emulated, deviation.reason).toEqual(deviation.emulated);
  expect(emulated, "it is no deviation any more").not.toEqual(real);
}
