import type { Capability } from "../capabilities.ts";
import type { FaultKind } from "../driver/fault.ts";
import { isStreamError } from "../errors.ts";
import { showError } from "./assertions.ts";
import type { CaseResult, DefinedCase, DefinedCaseResult } from "./case.ts";
import { CaseContext } from "./case-context.ts";
import { CaseDeadline } from "./case-deadline.ts";
import { EnvironmentMissing, PromiseViolation } from "./case-outcome.ts";
import { UNKNOWN_PACE } from "./pace.ts";
import type { ConformanceTarget } from "./target.ts";

export type CaseBody = (context: CaseContext) => Promise<void>;

/** The definition of a case. */
export interface CaseDefinition {
  readonly name: string;
  readonly promise: number;
  readonly mutant: string;
  /**
   * Capabilities that the promise needs, each with a check for where it is off: its use is refused by an error that names it, or
   * its absence shows as declared. Only if that check passes is the result `unsupported`.
   */
  readonly gates?: Readonly<Partial<Record<Capability, CaseBody>>>;
  readonly faults?: readonly FaultKind[];
  /** The case takes those of `faults` that the target can show, and needs at least one. @default it needs all of them */
  readonly anyOfFaults?: boolean;
  readonly exclusive?: boolean;
  readonly run: CaseBody;
}

/** How long a body may take to report what it waited for, after its deadline. */
const SETTLE_MS = 250;

export function defineCase(definition: CaseDefinition): DefinedCase {
  const gates = definition.gates ?? {};
  return {
    name: definition.name,
    promise: definition.promise,
    mutant: definition.mutant,
    gates: Object.keys(gates) as Capability[],
    faults: definition.faults ?? [],
    exclusive: definition.exclusive ?? false,
    run: async (target, signal, pace = UNKNOWN_PACE) => {
      const started = performance.now();
      const outcome = await judge(definition, target, new CaseDeadline(signal, pace));
      return { ...outcome, seconds: Math.round(performance.now() - started) / 1000 };
    },
  };
}

type Outcome = Omit<DefinedCaseResult, "seconds">;
type Verdict = Omit<Outcome, "notCleanedUp">;

async function judge(definition: CaseDefinition, target: ConformanceTarget, deadline: CaseDeadline): Promise<Outcome> {
  const missing = missingFault(definition, target);
  if (missing !== undefined) return { ...verdict("environment-missing", `fault ${missing}`), notCleanedUp: [] };
  let context: CaseContext;
  try {
    context = await CaseContext.open(target, deadline);
  } catch (error) {
    return { ...verdict("failed", `the target did not connect: ${showError(error)}`), error, notCleanedUp: [] };
  }
  const outcome = await judgeBody(definition, context);
  const { problem, notCleanedUp } = await context.close(outcome.result === "passed");
  return { ...(problem === null ? outcome : verdict("failed", problem)), notCleanedUp };
}

/** A fault that the case needs and the target cannot show. */
function missingFault({ faults = [], anyOfFaults = false }: CaseDefinition, { emulator }: ConformanceTarget): FaultKind | undefined {
  const missing = faults.filter((kind) => emulator?.faultKinds.includes(kind) !== true);
  return anyOfFaults && missing.length < faults.length ? undefined : missing[0];
}

async function judgeBody(definition: CaseDefinition, context: CaseContext): Promise<Verdict> {
  const off = Object.entries(definition.gates ?? {}).find(([capability]) => !context.capabilities[capability as Capability]);
  const [capability, body] = off === undefined ? [null, definition.run] : [off[0] as Capability, off[1]];
  try {
    await inTime(body(context), context.signal);
  } catch (error) {
    if (error instanceof EnvironmentMissing) return verdict("environment-missing", error.message);
    const reason = capability === null ? showFailure(error) : `without the capability ${capability}: ${showFailure(error)}`;
    return { ...verdict("failed", reason), error };
  }
  if (capability === null) return verdict("passed", null);
  return verdict("unsupported", `the capability ${capability} is declared off, and the target behaves so`, capability);
}

/** Bodies wait by their context, which knows the deadline. This catches bodies that wait for something else. */
async function inTime(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    setTimeout(() => reject(new PromiseViolation("out of time: a call neither resolved nor rejected")), SETTLE_MS);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await Promise.race([work, over]);
  } finally {
    signal.removeEventListener("abort", giveUp);
    // If the body was given up, its later rejection must not count as unhandled.
    work.catch(() => undefined);
    over.catch(() => undefined);
  }
}

function verdict(result: CaseResult["result"], reason: string | null, capability: Capability | null = null): Verdict {
  return { result, reason, capability };
}

function showFailure(error: unknown): string {
  if (error instanceof PromiseViolation) return error.message;
  if (isStreamError(error)) return `an unexpected ${showError(error)}`;
  return `an unexpected error: ${showError(error)}`;
}
