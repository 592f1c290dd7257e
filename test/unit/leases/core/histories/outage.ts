import { requireEqual } from "../../invariants/invariant.ts";
import { type History, OFTEN, finish, from, messages, requireStored } from "./history.ts";

export const outage: History = {
  name: "after an outage of the store that was longer than the session, a member repeats nothing that it had handled",
  mutants: [
    {
      name: "never-resumes",
      file: "acquisition.ts",
      find: "const resumed = former?.isAsLeft(row) === true ? former : null;",
      replace: "const resumed = former?.isAsLeft(row) === true ? null : null;",
    },
    {
      name: "does-not-know-how-far-it-had-come",
      folder: "consume",
      file: "assignment-sink.ts",
      find: "this.#finals.set(state.assignment, state.final);",
      replace: "void state.final;",
    },
    {
      name: "knows-the-prefix-only",
      folder: "consume",
      file: "assignment-state.ts",
      find: "return { through: progress.through, ahead };",
      replace: "return { through: progress.through, ahead: ahead === null ? ahead : null };",
    },
  ],
  async play(world) {
    world.topic.append("s0", 12);
    const member = world.member("only", { commit: OFTEN });
    await world.until(() => member.running.length === 12, "the member is given everything");
    member.finish(...messages(0, 2));
    await world.until(() => world.ledger.isSettled(...messages(0, 2)), "it is stored");
    world.isCut = true;
    member.finish(...messages(1, 4, 7));
    await world.until(() => member.partitions.length === 0, "the partition is lost");
    await requireStored(world, "after 0", { upTo: "2", except: ["1"] });
    await world.pass(1_000);
    const before = member.started.length;
    world.isCut = false;
    await world.until(() => member.started.length >= before + 7, "it is given the rest");
    requireEqual(member.started.slice(before), messages(3, 5, 6, ...from(8, 4)), "what it is given after the outage");
    await world.until(() => world.ledger.isSettled(...messages(1, 4, 7)), "what it had handled is stored");
    await requireStored(world, "after 2", { upTo: "7", except: ["3", "5", "6"] });
    await world.run(member.leave());
    await finish(world);
    await requireStored(world, "after 11", null);
  },
};
