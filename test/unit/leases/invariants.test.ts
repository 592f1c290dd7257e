import { describe, expect, test } from "vitest";
import { isStreamError } from "../../../src/errors.ts";
import * as sound from "../../../src/leases/index.ts";
import { apart } from "./invariants/apart.ts";
import { deletedRows } from "./invariants/deleted-rows.ts";
import { expiry } from "./invariants/expiry.ts";
import { fence } from "./invariants/fence.ts";
import { handOver } from "./invariants/hand-over.ts";
import { monotonic } from "./invariants/monotonic.ts";
import { oneSteal } from "./invariants/one-steal.ts";
import { oneWriteAtATime } from "./invariants/one-write-at-a-time.ts";
import { parents } from "./invariants/parents.ts";
import { patience } from "./invariants/patience.ts";
import { prompt } from "./invariants/prompt.ts";
import { release } from "./invariants/release.ts";
import { reset } from "./invariants/reset.ts";
import { start } from "./invariants/start.ts";
import { unknownOutcome } from "./invariants/unknown-outcome.ts";
import { validity } from "./invariants/validity.ts";
import { BrokenPromise } from "./world/virtual-clock.ts";
import { loadMutant } from "./load-mutant.ts";

const invariants = [
  fence,
  unknownOutcome,
  oneWriteAtATime,
  validity,
  expiry,
  monotonic,
  start,
  parents,
  oneSteal,
  handOver,
  reset,
  release,
  deletedRows,
  prompt,
  patience,
  apart,
];

describe.each(invariants)("$name", (invariant) => {
  test("holds", async () => {
    await invariant.check(sound);
  });

  test.each(invariant.mutants)("catches $name", async (mutant) => {
    const engine = await loadMutant(mutant);
    const failure = await invariant.check(engine).then(
      () => null,
      (error: unknown) => error,
    );
    // A mutant that does not even run would prove nothing.
    expect(failure instanceof BrokenPromise || isStreamError(failure), String(failure)).toBe(true);
  });
});
