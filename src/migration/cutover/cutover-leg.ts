import { setTimeout as sleep } from "node:timers/promises";
import { StreamError, isStreamError } from "../../errors.ts";
import { showName } from "../../option-rules.ts";
import type { CheckpointStore } from "../copy/checkpoint.ts";
import { copy } from "../copy/copy.ts";
import type { OpenSide, Side } from "../side.ts";
import { translateGroups } from "../translate-groups/translate-groups.ts";
import type { Returning, TranslateGroupsOptions } from "../translate-groups/translate-groups-options.ts";
import type { Translation, TranslationStore } from "../translate-groups/translation.ts";
import type { CutoverReport, CutoverStep } from "./cutover-options.ts";
import { type CutoverLeg, type CutoverPhase, type MovedGroup, PHASES } from "./cutover-state.ts";
import { type LateRecords, type RemovedRecords, endOf, lateRecords } from "./late-records.ts";

/** What one direction of a cutover works on. */
export interface LegParts {
  readonly source: Side;
  readonly target: Side;
  readonly from: OpenSide;
  readonly to: OpenSide;
  readonly groups: readonly string[] | undefined;
  readonly copyGroup: string | undefined;
  readonly checkpoints: CheckpointStore | undefined;
  readonly translations: TranslationStore;
  /** On the way back, by group. */
  readonly returning: ReadonlyMap<string, Returning> | undefined;
  readonly confirmed: boolean;
  readonly acceptRemoved: boolean;
  readonly quietMs: number;
  readonly timeMarginMs: number | undefined;
  readonly signal: AbortSignal;
  /** Stores what is known. To be called before anything that cannot be taken back is said to be done. */
  save(leg: CutoverLeg): Promise<void>;
}

type Found = Partial<Pick<CutoverReport, "late" | "removed" | "copied" | "groups">>;

/** A result of a step: whether it is done, what is known then, and what was found. */
interface StepResult extends Found {
  readonly done: boolean;
  readonly leg: CutoverLeg;
}

/** One direction of a cutover. Every step may be repeated: it looks again, and does what is left to do. */
export class CutoverWay {
  readonly #parts: LegParts;
  #leg: CutoverLeg;

  constructor(parts: LegParts, leg: CutoverLeg) {
    this.#parts = parts;
    this.#leg = leg;
  }

  get leg(): CutoverLeg {
    return this.#leg;
  }

  /** @throws `conflict` where an earlier step is missing, or is not confirmed */
  async take(step: Exclude<CutoverStep, "rollback">): Promise<Found & { readonly done: boolean }> {
    this.#requireOrder(step);
    const { leg, done, ...found } = await this.#steps[step]();
    const isFurther = done && PHASES.indexOf(step) > PHASES.indexOf(leg.phase);
    this.#leg = isFurther ? { ...leg, phase: step } : leg;
    await this.#parts.save(this.#leg);
    return { done, ...found };
  }

  readonly #steps: Readonly<Record<Exclude<CutoverStep, "rollback">, () => Promise<StepResult>>> = {
    check: () => this.#check(),
    freeze: () => this.#freeze(),
    drain: () => this.#drain(),
    mark: () => this.#mark(),
    translate: () => this.#translate(),
    go: () => this.#go(),
    finish: () => this.#finish(),
  };

  #requireOrder(step: CutoverPhase): void {
    const { phase } = this.#leg;
    const before = PHASES[PHASES.indexOf(step) - 1]!;
    const isEarly = PHASES.indexOf(phase) < PHASES.indexOf(before);
    const isLate = PHASES.indexOf(phase) >= PHASES.indexOf("go") && PHASES.indexOf(step) < PHASES.indexOf("go");
    if (isEarly) throw this.#conflict(`the step ${step} comes behind ${before}; the last step that is done is ${phase}`);
    if (isLate)
      throw this.#conflict(`the producers are on the target since the step go; ${step} comes before it. To go back, use rollback`);
  }

  /** Would the groups be translated? They may still be active: that is only said by `translate`. */
  async #check(): Promise<StepResult> {
    const { groups } = await this.#translated({ dryRun: true });
    const hopeless = groups.filter(({ refused }) => refused !== null && !PASSING.has(refused.code));
    return { done: hopeless.length === 0, leg: this.#leg, groups };
  }

  async #freeze(): Promise<StepResult> {
    const { from, to, confirmed, quietMs, signal } = this.#parts;
    if (!confirmed)
      throw this.#conflict(`stop all producers of ${showName(from.context.topic)}, and confirm it (--yes, in the library \`confirmed\`)`);
    const former = this.#leg.frozenAt;
    if (former !== null && (await lateRecords(from, former, to.id, signal)).count === 0) return { done: true, leg: this.#leg };
    // What came behind an earlier freeze has not been drained: everything behind this step is taken again.
    const frozenAt = await endOf(from, signal);
    await sleep(quietMs, undefined, { signal });
    const late = await lateRecords(from, frozenAt, to.id, signal);
    if (late.count > 0) return { done: false, leg: this.#thawed(), late };
    return { done: true, leg: { ...this.#thawed(), frozenAt } };
  }

  async #drain(): Promise<StepResult> {
    const { copied } = await this.#copy();
    return await this.#unlessLate({ copied });
  }

  async #copy(onGap?: (gap: RemovedRecords) => void): Promise<{ readonly copied: number }> {
    const { source, target, copyGroup, checkpoints, signal } = this.#parts;
    const result = await copy(source, target, { group: copyGroup, checkpoints, signal, onGap });
    // A copy that is told to end has not copied everything.
    signal.throwIfAborted();
    return result;
  }

  async #mark(): Promise<StepResult> {
    const endOfCopy = await endOf(this.#parts.to, this.#parts.signal);
    return await this.#unlessLate({}, { endOfCopy });
  }

  async #translate(): Promise<StepResult> {
    const { done, groups } = await this.#translated({});
    const moved: MovedGroup[] = [];
    for (const { group, refused } of groups) {
      const kept = refused === null ? await this.#parts.translations.read(group) : null;
      if (kept !== null) moved.push(movedGroup(kept));
    }
    // A group that is refused this time may have been moved before.
    const others = this.#leg.groups.filter(({ group }) => moved.every((one) => one.group !== group));
    const result = await this.#unlessLate({ groups }, { groups: [...others, ...moved] });
    return { ...result, done: result.done && done };
  }

  async #translated(options: TranslateGroupsOptions): ReturnType<typeof translateGroups> {
    const { source, target, groups, copyGroup, checkpoints, translations, returning, confirmed, timeMarginMs, signal } = this.#parts;
    return await translateGroups(source, target, {
      groups,
      copyGroup,
      checkpoints,
      translations,
      returning,
      confirmed,
      timeMarginMs,
      signal,
      ...options,
    });
  }

  async #go(): Promise<StepResult> {
    if (this.#leg.phase === "go" || this.#leg.phase === "finish") return { done: true, leg: this.#leg };
    if (!this.#parts.confirmed) {
      throw this.#conflict(
        `from here on the producers work on the target ${showName(this.#parts.to.context.topic)}; confirm it (--yes, in the library \`confirmed\`)`,
      );
    }
    return await this.#unlessLate({});
  }

  /** What is late now is copied, and named. */
  async #finish(): Promise<StepResult> {
    const { from, acceptRemoved, signal } = this.#parts;
    // Taken first: what comes while the late ones are read may be named twice, but never not at all.
    const frozenAt = await endOf(from, signal);
    const removed: RemovedRecords[] = [];
    const late = await this.#lateUnlessRemoved(removed);
    if (late.count === 0) return { done: true, leg: this.#leg, removed };
    // The group of the copy stands where the freeze was.
    const onGap = ({ partition, missing }: RemovedRecords): void => {
      if (removed.every((known) => known.partition !== partition)) removed.push({ partition, missing });
    };
    const { copied } = await this.#copy(acceptRemoved ? onGap : undefined);
    return { done: false, leg: { ...this.#leg, frozenAt }, late, removed, copied };
  }

  /** @throws `position-out-of-range` where retention has passed the freeze, and that is not accepted */
  async #lateUnlessRemoved(removed: RemovedRecords[]): Promise<LateRecords> {
    const { from, to, acceptRemoved, signal } = this.#parts;
    const onRemoved = ({ partition, missing }: RemovedRecords): void => void removed.push({ partition, missing });
    try {
      return await lateRecords(from, this.#leg.frozenAt!, to.id, signal, acceptRemoved ? onRemoved : undefined);
    } catch (error) {
      if (!isStreamError(error, "position-out-of-range")) throw error;
      throw this.#isRemoved(error);
    }
  }

  #isRemoved(cause: StreamError): StreamError {
    const { provider, topic } = this.#parts.from.context;
    const { partition } = cause;
    const text =
      `the retention of ${showName(topic)} has passed the time of the switch: whether late records were removed is not known any more. ` +
      "If none can have been, give them up (--accept-removed, in the library `acceptRemoved`)";
    return new StreamError("position-out-of-range", text, { provider, topic, partition, operation: "cutover", cause });
  }

  /** A record that came after the freeze shows that a producer had not stopped: what was done since has to be done again. */
  async #unlessLate(found: Found, known: Partial<CutoverLeg> = {}): Promise<StepResult> {
    const { from, to, signal } = this.#parts;
    const late = await lateRecords(from, this.#leg.frozenAt!, to.id, signal);
    if (late.count > 0) return { done: false, leg: { ...this.#thawed(), ...known }, late, ...found };
    return { done: true, leg: { ...this.#leg, ...known }, ...found };
  }

  #thawed(): CutoverLeg {
    return { ...this.#leg, phase: "check", frozenAt: null };
  }

  #conflict(text: string): StreamError {
    const { provider, topic } = this.#parts.from.context;
    return new StreamError("conflict", text, { provider, topic, operation: "cutover" });
  }
}

/** What is refused now, and may be possible when the time has come. */
const PASSING: ReadonlySet<string> = new Set(["conflict", "not-found"]);

function movedGroup({ group, sourceBookmark, targetBookmark }: Translation): MovedGroup {
  return { group, source: sourceBookmark, target: targetBookmark };
}
