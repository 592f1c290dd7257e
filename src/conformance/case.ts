import type { Capability } from "../capabilities.ts";
import type { FaultKind } from "../driver/fault.ts";
import type { ConformanceTarget } from "./target.ts";

/** One promise, tried on one target. */
export interface ConformanceCase {
  /** A path: `ordering/publish/same-tick`. */
  readonly name: string;
  /** 1 to 12. */
  readonly promise: number;
  /** The broken driver or core part that it must catch. */
  readonly mutant: string;
  /** Never rejects. When `signal` aborts, what the case is waiting for becomes the reason of its failure. */
  run(target: ConformanceTarget, signal: AbortSignal): Promise<CaseResult>;
}

export interface CaseResult {
  readonly result: "passed" | "failed" | "unsupported" | "environment-missing";
  readonly reason: string | null;
  readonly seconds: number;
}

/** A case of this suite, with what the runner and reports know about it besides. */
export interface DefinedCase extends ConformanceCase {
  /** Capabilities that the promise stands on. Where one is off, its refusal is tried instead. */
  readonly gates: readonly Capability[];
  /** What the emulator must be able to show. */
  readonly faults: readonly FaultKind[];
  /** Its fault meets everybody on the target: nothing else may run beside it. */
  readonly exclusive: boolean;
  run(target: ConformanceTarget, signal: AbortSignal): Promise<DefinedCaseResult>;
}

export interface DefinedCaseResult extends CaseResult {
  /** Of `unsupported`: the capability that is off. */
  readonly capability: Capability | null;
  /** Topics and groups that the case had made and could not delete again, each with the reason. */
  readonly notCleanedUp: readonly string[];
}
