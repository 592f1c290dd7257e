import { SIGNAL } from "../../world/world.ts";
import { requireEqual } from "../../invariants/invariant.ts";
import type { CoreWorld } from "../core-world.ts";
import { type History, OFTEN, finish, from, messages, requireStarted, requireStored } from "./history.ts";

/** A reset to where the group stands already: nothing but the reset itself tells it from what was before. */
async function resetBeside(world: CoreWorld, hasAnother: boolean): Promise<void> {
  world.topic.append("s0", 12);
  const frozen = world.member("frozen", { commit: OFTEN });
  await world.until(() => frozen.running.length === 12, "the member is given everything");
  frozen.finish(...messages(...from(1, 5)));
  await world.until(() => world.ledger.isSettled(...messages(...from(1, 5))), "it is stored");
  frozen.process.freeze();
  frozen.finish(...messages(6));
  await world.run(world.admin().reset({ kind: "earliest" }, SIGNAL));
  await requireStored(world, "earliest", null);
  const other = hasAnother ? world.member("other", { commit: OFTEN }) : null;
  if (other !== null) await world.until(() => other.running.length >= 12, "the other member is given everything again");
  const before = frozen.started.length;
  frozen.process.thaw();
  if (other === null) {
    await world.until(() => frozen.started.length >= before + 12, "it is given everything again");
    requireEqual(frozen.started.slice(before), messages(...from(0, 12)), "what it is given after the reset");
  } else {
    await world.pass(500);
    requireStarted(other, messages(...from(0, 12)));
    requireEqual(frozen.started.slice(before), [], "what the frozen member is given beside the other one");
  }
  await requireStored(world, "earliest", null);
}

const MUTANTS = [
  {
    name: "keeps-what-is-ahead-over-a-reset",
    file: "group-move.ts",
    find: "{ ...moved, place, ahead: null, emptyUntilMs: null };",
    replace: "{ ...moved, place, emptyUntilMs: null };",
  },
  {
    name: "moves-nothing",
    file: "group-move.ts",
    find: "return place === undefined ? moved : { ...moved, place, ahead: null, emptyUntilMs: null };",
    replace: "return moved;",
  },
];

export const resetBesideFrozen: History = {
  name: "a reset beside a frozen member, which gets the partition back, lets everything come again",
  mutants: [
    ...MUTANTS,
    {
      name: "resumes-over-a-reset",
      file: "acquisition.ts",
      find: "const resumed = former?.isAsLeft(row) === true ? former : null;",
      replace: "const resumed = former ?? null;",
    },
  ],
  async play(world) {
    await resetBeside(world, false);
    await world.end();
    await finish(world);
  },
};

export const resetBesideFrozenAndOther: History = {
  name: "a reset beside a frozen member lets everything come again in another one, and the thawed member changes nothing",
  mutants: MUTANTS,
  async play(world) {
    await resetBeside(world, true);
    await world.end();
    await finish(world);
  },
};
