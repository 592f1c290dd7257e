import { expect, test } from "vitest";
import { AssignmentState } from "../../../src/consume/assignment-state.ts";
import { Work } from "../../../src/consume/work.ts";
import { StreamError } from "../../../src/errors.ts";
import { messageSource } from "../../../src/message.ts";
import { IDENTITY, assignment } from "./fake-driver.ts";

const REASON = new StreamError("ownership-lost", "the partition belongs to another member");

function stateOf(): AssignmentState<string> {
  const mine = assignment("7");
  const source = messageSource({ provider: "fake", topic: "orders", partition: mine.partition, identity: IDENTITY });
  return new AssignmentState<string>(mine, source, {
    unit: "position",
    usesAhead: true,
    stored: null,
    storesAhead: true,
    migrated: null,
    resumed: undefined,
    compare: (a, b) => Number(a) - Number(b),
  });
}

const meaning = ({ open, current, owned }: AssignmentState<string>): readonly boolean[] => [open, current, owned];

test("an ownership opens, is sealed, disowned and released", () => {
  const state = stateOf();
  expect(meaning(state)).toEqual([false, true, true]);
  state.start();
  expect(meaning(state)).toEqual([true, true, true]);
  state.seal();
  expect(meaning(state)).toEqual([false, true, true]);
  state.disown(REASON);
  expect(meaning(state)).toEqual([false, false, true]);
  state.release();
  expect(meaning(state)).toEqual([false, false, false]);
});

test.each<[string, (state: AssignmentState<string>) => void]>([
  ["sealed", (state) => state.seal()],
  ["disowned", (state) => state.disown(REASON)],
  ["released", (state) => state.release()],
])("an ownership that was %s never goes back, also when it had not opened", (_, advance) => {
  const state = stateOf();
  advance(state);
  const reached = meaning(state);
  state.start();
  state.seal();
  expect(meaning(state)).toEqual(reached);
});

test("the end of an ownership drops what waits for another attempt, and its back-off", async () => {
  const state = stateOf();
  state.start();
  const [waiting, backingOff] = [new Work(state, []), new Work(state, [])];
  let isOver = false;
  for (const work of [waiting, backingOff]) {
    state.workStarted(work);
    state.workPaused();
  }
  state.retry(waiting);
  backingOff.backOff(1, () => {
    isOver = true;
  });
  state.release();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect([state.takeRetry(), isOver, state.active]).toEqual([undefined, false, 0]);
});
