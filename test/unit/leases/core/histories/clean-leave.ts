import { type History, OFTEN, RARELY, finish, from, messages, requireStarted, requireStored } from "./history.ts";

export const cleanLeave: History = {
  name: "a member that leaves stores all that it has handled, and the next one is given the rest only",
  mutants: [
    {
      name: "releases-without-what-is-ahead",
      file: "lease.ts",
      find: "({ ...row, owner: null }));",
      replace: "({ ...row, owner: null, ahead: null }));",
    },
    { name: "assigns-without-what-is-ahead", file: "lease.ts", find: "ahead: aheadOf(place, ahead),", replace: "ahead: null," },
    {
      name: "stores-what-is-ahead-with-a-place-only",
      file: "lease.ts",
      find: "ahead: isBehind && through !== null ? null :",
      replace: "ahead: isBehind ? row.ahead :",
    },
    {
      name: "leaves-without-settling-what-is-ahead",
      folder: "consume",
      file: "assignment-state.ts",
      find: "&& !(storesAhead && this.progress.aheadChanged)) return null;",
      replace: ") return null;",
    },
    {
      name: "skips-one-too-many",
      folder: "consume",
      file: "inherited-progress.ts",
      find: "const isBehind = this.#compare(last, handled.upTo) > 0;",
      replace: "const isBehind = this.#compare(last, handled.upTo) > 1;",
    },
    {
      name: "skips-the-exceptions",
      folder: "consume",
      file: "inherited-progress.ts",
      find: "return this.#nextException === except.length || this.#compare(except[this.#nextException]!, last) > 0;",
      replace: "return this.#compare(last, handled.upTo) <= 0;",
    },
    {
      name: "hands-out-what-is-handled",
      folder: "consume",
      file: "assignment-state.ts",
      find: "if (inherited?.isHandled(record) !== true && ",
      replace: "if (index >= 0 || ",
    },
  ],
  async play(world) {
    world.topic.append("s0", 12);
    const first = world.member("first", { commit: RARELY });
    await world.until(() => first.running.length === 12, "the first member is given everything");
    first.finish(...messages(1, 2, 5, 7));
    await world.run(first.leave());
    await requireStored(world, "earliest", { upTo: "7", except: ["0", "3", "4", "6"] });
    const second = world.member("second", { commit: OFTEN });
    await world.until(() => second.running.length >= 8, "the second member is given the rest");
    requireStarted(second, messages(0, 3, 4, 6, ...from(8, 4)));
    second.finish(...messages(0, 4, 8));
    await world.until(() => world.ledger.isSettled(...messages(0, 4, 8)), "it is stored");
    await requireStored(world, "after 2", { upTo: "8", except: ["3", "6"] });
    await world.run(second.leave());
    await requireStored(world, "after 2", { upTo: "8", except: ["3", "6"] });
    await finish(world);
    await requireStored(world, "after 11", null);
  },
};
