import type { Capability } from "../capabilities.ts";
import type { FaultKind } from "../driver/fault.ts";
import type { Pace } from "./pace.ts";
import type { ConformanceTarget } from "./target.ts";

/** One promise, tried on one target. */
export interface ConformanceCase {
  /** A path: `ordering/publish/same-tick`. */
  readonly name: string;
  /** 1 to 12. */
  readonly promise: number;
  /** The broken driver or broken core part that the case must catch. */
  readonly mutant: string;
  /** Never rejects. When `signal` aborts, the condition that the case waits for becomes the reason of its failure. */
  run(target: ConformanceTarget, signal: AbortSignal): Promise<CaseResult>;
}

export interface CaseResult {
  readonly result: "passed" | "failed" | "unsupported" | "environment-missing";
  readonly reason: string | null;
  readonly seconds: number;
}

/** A case of this suite, with further facts for the runner and the reports. */
export interface DefinedCase extends ConformanceCase {
  /** Capabilities that the promise needs. Where one is off, the case checks that its use is refused. */
  readonly gates: readonly Capability[];
  /** The faults that the case injects. Without them it is `environment-missing`; a case with random faults needs only one of them. */
  readonly faults: readonly FaultKind[];
  /** Its fault affects everything on the target, so no other case may run at the same time. */
  readonly exclusive: boolean;
  /** @param pace as measured by the runner, for the durations within the case. @default unknown: they are those for a quick target */
  run(target: ConformanceTarget, signal: AbortSignal, pace?: Pace): Promise<DefinedCaseResult>;
}

export interface DefinedCaseResult extends CaseResult {
  /** For `unsupported`: the capability that is off. */
  readonly capability: Capability | null;
  /** Topics and groups that the case created and could not delete, each with the reason. */
  readonly notCleanedUp: readonly string[];
  /** What a failed case threw, for its causes. */
  readonly error?: unknown;
}
