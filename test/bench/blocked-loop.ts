import { type Pairs, untilControlled } from "./paired.ts";
import { median } from "./result.ts";

/** The longest time for which the event loop was blocked while this ran, in milliseconds. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let [longest, last, isOver] = [0, performance.now(), false];
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isOver = true;
  look();
  return longest;
}

export interface Blocking {
  /** Block of ours / block of raw, in the same round. */
  readonly ratio: number;
  readonly oursMs: number;
  readonly rawMs: number;
  /** Of raw against itself. */
  readonly control: number;
}

/** In turns: raw, ours, raw; every other round backwards, so that neither of raw always comes first. */
export async function compareBlocks(ours: () => Promise<unknown>, raw: () => Promise<unknown>, pairs: Pairs): Promise<Blocking> {
  return untilControlled(() => roundsOf(ours, raw, pairs));
}

async function roundsOf(ours: () => Promise<unknown>, raw: () => Promise<unknown>, { pairs, warmUp }: Pairs): Promise<Blocking> {
  const rounds: { readonly ours: number; readonly around: number; readonly control: number }[] = [];
  for (let round = -warmUp; round < pairs; round += 1) {
    const [before, own, after] = [await longestBlock(raw), await longestBlock(ours), await longestBlock(raw)];
    const control = round % 2 === 0 ? before / after : after / before;
    if (round >= 0) rounds.push({ ours: own, around: Math.sqrt(before * after), control });
  }
  return {
    ratio: median(rounds.map((round) => round.ours / round.around)),
    oursMs: median(rounds.map((round) => round.ours)),
    rawMs: median(rounds.map(({ around }) => around)),
    control: median(rounds.map(({ control }) => control)),
  };
}
