import { dirname, join } from "node:path";
import { StreamError, isStreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import { groupCall } from "../group-call.ts";
import { type OpenSide, type Side, openSide } from "../side.ts";
import { describeSide } from "../translate-groups/group-state.ts";
import type { Returning } from "../translate-groups/translate-groups-options.ts";
import { encodeBookmark } from "../../position/bookmark.ts";
import { translationFiles } from "../translate-groups/translation-files.ts";
import { CutoverWay, type LegParts } from "./cutover-leg.ts";
import { type CutoverOptions, type CutoverReport, type ResolvedCutoverOptions, resolveCutoverOptions } from "./cutover-options.ts";
import { type CutoverLeg, type CutoverState, newLeg, readCutoverState, writeCutoverState } from "./cutover-state.ts";

/**
 * Takes one step of a cutover from the source to the target of a copy, and stores it in a file. Every step can be repeated, and goes on where it was interrupted.
 * @throws `conflict` for a step out of order, or without its confirmation · `position-mismatch` where the state is of other topics · `corrupt` · what the steps throw
 */
export async function cutover(source: Side, target: Side, options: CutoverOptions): Promise<CutoverReport> {
  const resolved = resolveCutoverOptions(options);
  const from = await openSide(source, "cutover", resolved.signal);
  const to = await openSide(target, "cutover", resolved.signal);
  const known = await readCutoverState(resolved.stateFile);
  const state = known ?? { version: 1 as const, ...newLeg(from.id, to.id), back: null };
  requireSameTopics(state, from, to);
  return await new Cutover({ source, target, from, to, options: resolved }, state).take();
}

interface CutoverParts {
  readonly source: Side;
  readonly target: Side;
  readonly from: OpenSide;
  readonly to: OpenSide;
  readonly options: ResolvedCutoverOptions;
}

class Cutover {
  readonly #parts: CutoverParts;
  #state: CutoverState;

  constructor(parts: CutoverParts, state: CutoverState) {
    this.#parts = parts;
    this.#state = state;
  }

  async take(): Promise<CutoverReport> {
    const { step } = this.#parts.options;
    const { phase, back } = this.#state;
    if (step === "rollback") return phase === "go" || back !== null ? await this.#goBack() : await this.#takeBack();
    if (back !== null) throw this.#conflict(`the way back has begun; go on with rollback`);
    const way = new CutoverWay(this.#forward(), this.#state);
    const found = await way.take(step);
    return this.#report("forward", way.leg, found);
  }

  #forward(): LegParts {
    const { source, target, from, to, options } = this.#parts;
    const { groups, copyGroup, checkpoints, confirmed, acceptRemoved, quietMs, timeMarginMs, signal } = options;
    return {
      ...{ source, target, from, to, groups, copyGroup, checkpoints, confirmed, acceptRemoved, quietMs, timeMarginMs, signal },
      translations: translationFiles(join(dirname(options.stateFile), "translations")),
      returning: undefined,
      save: async (leg) => this.#save({ ...this.#state, ...leg }),
    };
  }

  #backward(): LegParts {
    const { source, target, from, to, options } = this.#parts;
    const { groups, returnGroup, returnCheckpoints, confirmed, acceptRemoved, quietMs, timeMarginMs, signal } = options;
    const moved = this.#state.groups;
    return {
      ...{
        source: target,
        target: source,
        from: to,
        to: from,
        copyGroup: returnGroup,
        checkpoints: returnCheckpoints,
        confirmed,
        acceptRemoved,
        quietMs,
        timeMarginMs,
        signal,
      },
      groups: groups ?? (moved.length > 0 ? moved.map(({ group }) => group) : undefined),
      translations: translationFiles(join(dirname(options.stateFile), "translations-back")),
      returning: new Map(moved.map((one) => [one.group, returningOf(one)])),
      save: async (back) => this.#save({ ...this.#state, back }),
    };
  }

  /** Before `go`: nobody has worked on the target, so what was put there is removed. */
  async #takeBack(): Promise<CutoverReport> {
    const { phase, groups } = this.#state;
    if (phase === "finish") throw this.#conflict("the cutover is finished; to go back, begin another one with the topics exchanged");
    for (const { group, target } of groups) await this.#removeUntouched(group, target);
    const leg = newLeg(this.#state.source, this.#state.target);
    await this.#save({ ...this.#state, ...leg });
    return this.#report("forward", leg, { done: true });
  }

  /** A group of the target that has moved since is left alone. */
  async #removeUntouched(group: string, expected: string | null): Promise<void> {
    const { to, options } = this.#parts;
    const { context, identity } = to;
    if (!context.capabilities.groupAdmin) return;
    const found = await describeSide(to, group, options.signal);
    if (found === null || found.places === null || encodeBookmark(context.provider, identity, found.places) !== expected) return;
    try {
      const name = context.checkedGroup(group);
      await groupCall(to, "cutover", options.signal, (attempt) => context.driver.admin.deleteGroup(context.nativeTopic, name, attempt));
    } catch (error) {
      if (!isStreamError(error, "not-found")) throw error;
    }
  }

  /** After `go`: the same protocol the other way, in one step that goes on where it was interrupted. */
  async #goBack(): Promise<CutoverReport> {
    const { from, to } = this.#parts;
    const way = new CutoverWay(this.#backward(), this.#state.back ?? newLeg(to.id, from.id));
    let copied = 0;
    let groups: CutoverReport["groups"] = [];
    for (const step of ["check", "freeze", "drain", "mark", "translate", "go"] as const) {
      if (way.leg.phase === "go") break;
      const found = await way.take(step);
      copied += found.copied ?? 0;
      groups = found.groups ?? groups;
      if (!found.done) return this.#report("back", way.leg, { ...found, copied, groups });
    }
    return this.#report("back", way.leg, { done: true, copied, groups });
  }

  async #save(state: CutoverState): Promise<void> {
    await writeCutoverState(this.#parts.options.stateFile, state);
    this.#state = state;
  }

  #report(
    direction: CutoverReport["direction"],
    { phase }: CutoverLeg,
    found: Pick<CutoverReport, "done"> & Partial<Pick<CutoverReport, "late" | "removed" | "copied" | "groups">>,
  ): CutoverReport {
    const { step } = this.#parts.options;
    const { context } = direction === "forward" ? this.#parts.from : this.#parts.to;
    const { done, late = { count: 0, first: [] }, removed = [], copied = null, groups = [] } = found;
    const byQuiet = context.capabilities.readerEnd === "quiet";
    return { step, phase, direction, done, late, removed, byQuiet, copied, groups, next: this.#next(direction, phase, done, late.count) };
  }

  #next(direction: CutoverReport["direction"], phase: CutoverLeg["phase"], done: boolean, late: number): string {
    const [old, young] = direction === "forward" ? [this.#parts.source, this.#parts.target] : [this.#parts.target, this.#parts.source];
    if (late > 0 && phase !== "go")
      return `a producer of ${showName(old.topic)} has not stopped: stop it, and go on with ${direction === "forward" ? "freeze" : "rollback"}`;
    if (late > 0)
      return `a producer of ${showName(old.topic)} has not stopped: stop it, and take the step finish again. What came late is copied`;
    if (!done) return "see why groups were refused, and take the step again";
    if (direction === "back") return `start producers and consumers on ${showName(young.topic)}`;
    return NEXT[phase](old.topic, young.topic);
  }

  #conflict(text: string): StreamError {
    const { provider, topic } = this.#parts.from.context;
    return new StreamError("conflict", text, { provider, topic, operation: "cutover" });
  }
}

const NEXT: Readonly<Record<CutoverLeg["phase"], (source: string, target: string) => string>> = {
  new: (source) => `producers of ${showName(source)} may go on; a new attempt begins with check`,
  check: (source) => `stop all producers of ${showName(source)}, then freeze`,
  freeze: () => "drain",
  drain: () => "mark",
  mark: () => "stop all consumers, then translate",
  translate: () => "go",
  go: (_, target) =>
    `start producers and consumers on ${showName(target)} and a copy the other way, and finish when nothing has to go back any more`,
  finish: (source) => `${showName(source)} and the copies may be removed`,
};

function returningOf({ source, target }: CutoverState["groups"][number]): Returning {
  return { source: target, target: source };
}

/** @throws `position-mismatch` */
function requireSameTopics(state: CutoverLeg, from: OpenSide, to: OpenSide): void {
  const side = state.source !== from.id ? from : state.target !== to.id ? to : null;
  if (side === null) return;
  const { provider, topic } = side.context;
  const text = `the state file is of another cutover, or the topic ${showName(topic)} was deleted and created again since it began; use another file`;
  throw new StreamError("position-mismatch", text, { provider, topic, operation: "cutover" });
}
