import { StreamError } from "../../errors.ts";
import type { Bookmark } from "../../tokens.ts";
import { parseState, readIfThere, writeStateFile } from "../state-file.ts";

/** The steps of a cutover in their order. Each is a phase once it is done. */
export const PHASES = ["new", "check", "freeze", "drain", "mark", "translate", "go", "finish"] as const;

export type CutoverPhase = (typeof PHASES)[number];

/** Where a group stood, and where it was put. */
export interface MovedGroup {
  readonly group: string;
  readonly source: Bookmark | null;
  readonly target: Bookmark | null;
}

/** What is known of one direction of a cutover. */
export interface CutoverLeg {
  /** `sourceIdOf` both topics. */
  readonly source: string;
  readonly target: string;
  /** The last step that is done. */
  readonly phase: CutoverPhase;
  /** The end of the source when its producers had stopped: what is stored behind it is late. */
  readonly frozenAt: Bookmark | null;
  /** The end marker: the end of the target when everything up to `frozenAt` was copied. */
  readonly endOfCopy: Bookmark | null;
  readonly groups: readonly MovedGroup[];
}

/** The state file of a cutover. */
export interface CutoverState extends CutoverLeg {
  readonly version: 1;
  /** The way back, once it has begun. */
  readonly back: CutoverLeg | null;
}

export function newLeg(source: string, target: string): CutoverLeg {
  return { source, target, phase: "new", frozenAt: null, endOfCopy: null, groups: [] };
}

/** @returns `null` where there is no such file. @throws `corrupt` */
export async function readCutoverState(file: string): Promise<CutoverState | null> {
  const text = await readIfThere(file);
  if (text === null) return null;
  const content = parseState(text, file) as CutoverState | null;
  if (content?.version === 1 && isLeg(content) && (content.back === null || isLeg(content.back))) return content;
  throw new StreamError("corrupt", `${file} is not the state of a cutover of version 1`);
}

export async function writeCutoverState(file: string, state: CutoverState): Promise<void> {
  await writeStateFile(file, JSON.stringify(state, null, 2));
}

function isLeg(content: CutoverLeg | undefined): boolean {
  const { source, target, phase, frozenAt, endOfCopy, groups } = content ?? ({} as Partial<CutoverLeg>);
  const isBookmark = (value: unknown): boolean => value === null || typeof value === "string";
  return (
    typeof source === "string" &&
    typeof target === "string" &&
    PHASES.some((one) => one === phase) &&
    isBookmark(frozenAt) &&
    isBookmark(endOfCopy) &&
    Array.isArray(groups) &&
    groups.every((one: MovedGroup | null) => typeof one?.group === "string" && isBookmark(one.source) && isBookmark(one.target))
  );
}
