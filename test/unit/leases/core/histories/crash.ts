import { requireEqual } from "../../invariants/invariant.ts";
import { type History, OFTEN, finish, from, messages, requireStarted, requireStored } from "./history.ts";

export const crash: History = {
  name: "after a crash right behind a settlement, also before its answer, only what was handled since comes again",
  mutants: [
    {
      name: "stores-the-prefix-only",
      file: "lease.ts",
      find: "fitAhead(place, ahead, aheadBytes, { stored: row.ahead, compare }),",
      replace: "through === null ? row.ahead : null,",
    },
    {
      name: "settles-nothing-between",
      folder: "consume",
      file: "commit-scheduler.ts",
      find: "if (this.#messages >= this.#mostMessages || state.unsettledMessages >= this.#mostOfPartition) this.now();",
      replace: "",
    },
    {
      name: "takes-over-from-the-start",
      file: "acquisition.ts",
      find: "const acquired = { ...row, groupId: group.id,",
      replace: 'const acquired = { ...row, place: { kind: "earliest" as const }, ahead: null, groupId: group.id,',
    },
  ],
  async play(world) {
    world.topic.append("s0", 12);
    const first = world.member("first", { commit: { ...OFTEN, everyMs: 3_600_000 } });
    await world.until(() => first.running.length === 12, "the first member is given everything");
    first.finish(...messages(0, 2));
    await world.until(() => world.ledger.isSettled(...messages(0, 2)), "it is stored");
    world.onLanded = ({ by }) => {
      if (by === "first" && world.ledger.isSettled(...messages(0, 2, 4))) first.process.freeze();
    };
    first.finish(...messages(4));
    await world.until(() => first.process.isFrozen, "the process dies when its settlement is stored, before the answer");
    world.onLanded = () => {};
    first.finish(...messages(6));
    const second = world.member("second", { commit: OFTEN });
    await world.until(() => second.running.length >= 9, "the second member takes over");
    requireStarted(second, messages(1, 3, ...from(5, 7)));
    await requireStored(world, "after 0", { upTo: "4", except: ["1", "3"] });
    second.finish(...messages(6, 9));
    await world.until(() => world.ledger.isSettled(...messages(6, 9)), "it is stored");
    // What was dead was only frozen: its results change nothing.
    first.process.thaw();
    if (first.running.includes("s0:8")) first.finish(...messages(8));
    await world.pass(500);
    requireEqual([(await world.row()).owner?.startsWith("second"), first.partitions], [true, []], "the owner after the thaw");
    await requireStored(world, "after 0", { upTo: "9", except: ["1", "3", "5", "7", "8"] });
    await world.run(first.leave());
    await world.run(second.leave());
    await finish(world);
    await requireStored(world, "after 11", null);
  },
};
