import { expect, test } from "vitest";
import { playHistory } from "./restart-history.ts";

const HISTORIES = 1_000;

test(`in ${HISTORIES} histories of restarts, losses, resets and cut logs nothing settled is repeated and nothing unhandled is skipped`, async () => {
  for (let seed = 1; seed <= HISTORIES; seed += 1) expect(await playHistory(seed), `seed ${seed}`).toEqual([]);
}, 120_000);
