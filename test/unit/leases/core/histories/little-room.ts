import { requireEqual } from "../../invariants/invariant.ts";
import { type History, OFTEN, finish, from, messages } from "./history.ts";

const COUNT = 60;

export const littleRoom: History = {
  name: "where a row has little room, what does not fit comes again, and nothing else does",
  aheadBytes: 70,
  mutants: [
    {
      name: "names-what-did-not-fit",
      file: "fit-ahead.ts",
      find: "{ of, upTo: except.at(-1)!, except };",
      replace: "{ of, upTo: ahead.upTo, except };",
    },
    {
      name: "ends-behind-one-exception-more",
      file: "fit-ahead.ts",
      find: "{ of, upTo: except.at(-1)!, except };",
      replace: "{ of, upTo: ahead.except[exceptions]!, except };",
    },
    {
      name: "stores-nothing-where-not-all-fits",
      file: "fit-ahead.ts",
      find: "const cut = least < 1 ? null : cutAfter(least);",
      replace: "const cut = null;",
    },
  ],
  async play(world) {
    world.topic.append("s0", COUNT);
    const odd = from(0, COUNT).filter((index) => index % 2 === 1);
    const first = world.member("first", { commit: OFTEN });
    await world.until(() => first.running.length === COUNT, "the first member is given everything");
    first.finish(...messages(...odd));
    await world.run(first.leave());
    const { ahead } = await world.row();
    const end = Number(ahead?.upTo);
    requireEqual([ahead?.except.at(-1), end > 4 && end < COUNT - 4], [String(end), true], "that the end is one of the exceptions");
    const second = world.member("second", { commit: OFTEN });
    const rest = from(0, COUNT).filter((index) => index % 2 === 0 || index > end);
    await world.until(() => second.running.length >= rest.length, "the second member is given the rest");
    requireEqual(second.started.toSorted(), messages(...rest).toSorted(), "what it is given");
    second.finish(...messages(end));
    await world.until(() => world.ledger.isSettled(...messages(...odd.filter((index) => index < end))), "what fits is stored");
    await world.run(second.leave());
    await finish(world);
  },
};
