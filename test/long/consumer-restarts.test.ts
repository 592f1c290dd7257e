import { expect, test } from "vitest";
import { playHistory } from "../unit/consume/restart-history.ts";

const HISTORIES = 20_000;

test(`in ${HISTORIES} more histories of restarts nothing settled is repeated and nothing unhandled is skipped`, async () => {
  for (let seed = 1; seed <= HISTORIES; seed += 1) expect(await playHistory(1_000_000 + seed), `seed ${seed}`).toEqual([]);
}, 1_200_000);
