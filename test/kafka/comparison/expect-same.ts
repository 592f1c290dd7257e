import { expect } from "vitest";
import { DEVIATIONS } from "./deviations.ts";

/** The emulator does what Kafka does, or exactly what is listed as otherwise. */
export function expectSame(name: string, emulated: unknown, real: unknown): void {
  const deviation = DEVIATIONS[name];
  if (deviation === undefined) {
    expect(emulated).toEqual(real);
    return;
  }
  expect(emulated, deviation.reason).toEqual(deviation.emulated);
  expect(emulated, "it is no deviation any more").not.toEqual(real);
}
