import { type History, OFTEN, finish, from, messages, requireStarted, requireStored } from "./history.ts";

export const unfinishedFirst: History = {
  name: "while the first message stays unfinished over two hand-overs, what was handled far behind it is carried on",
  mutants: [
    {
      name: "forgets-what-was-inherited",
      folder: "consume",
      file: "assignment-state.ts",
      find: "this.#ahead(this.#inherited?.storedBehind(this.progress.read) ?? null) : null;",
      replace: "this.#ahead(null) : null;",
    },
    {
      name: "stores-what-is-ahead-once-only",
      file: "lease.ts",
      find: "fitAhead(place, ahead, aheadBytes, { stored: row.ahead, compare }),",
      replace: "row.ahead ?? fitAhead(place, ahead, aheadBytes, { stored: row.ahead, compare }),",
    },
  ],
  async play(world) {
    world.topic.append("s0", 40);
    const first = world.member("first", { commit: OFTEN });
    await world.until(() => first.running.length === 40, "the first member is given everything");
    first.finish(...messages(...from(1, 25).filter((index) => index !== 5 && index !== 12)));
    await world.run(first.leave());
    await requireStored(world, "earliest", { upTo: "25", except: ["0", "5", "12"] });
    // It has room for the first portion only, which ends long before 25. The first member that joins beside it waits for a hand-over.
    const second = world.member("second", { commit: OFTEN, maxBufferedBytes: 1 });
    await world.until(() => second.running.length >= 2, "the second member is given what is left of the first portion");
    second.finish(...messages(5));
    await world.until(() => world.ledger.isSettled(...messages(5)), "it is stored");
    requireStarted(second, messages(0, 5));
    await requireStored(world, "earliest", { upTo: "25", except: ["0", "12"] });
    await world.run(second.leave());
    await requireStored(world, "earliest", { upTo: "25", except: ["0", "12"] });
    const third = world.member("third", { commit: OFTEN });
    await world.until(() => third.running.length >= 16, "the third member is given the rest");
    requireStarted(third, messages(0, 12, ...from(26, 14)));
    third.finish(...messages(12, 30));
    await world.run(third.leave());
    await requireStored(world, "earliest", { upTo: "30", except: ["0", ...from(26, 4).map(String)] });
    await finish(world);
    await requireStored(world, "after 39", null);
  },
};
