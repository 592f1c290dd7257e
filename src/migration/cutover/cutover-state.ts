import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { StreamError } from "../../errors.ts";
import type { Bookmark } from "../../tokens.ts";

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
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const content = JSON.parse(text) as CutoverState;
    if (content.version === 1 && isLeg(content) && (content.back === null || isLeg(content.back))) return content;
  } catch (cause) {
    throw new StreamError("corrupt", `${file} is not JSON`, { cause });
  }
  throw new StreamError("corrupt", `${file} is not the state of a cutover of version 1`);
}

export async function writeCutoverState(file: string, state: CutoverState): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // Renamed into place, so that a crash leaves the old state or the new one.
  await writeFile(`${file}.unfinished`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${file}.unfinished`, file);
}

function isLeg(content: CutoverLeg): boolean {
  const { source, target, phase, frozenAt, endOfCopy, groups } = content;
  const isBookmark = (value: unknown): boolean => value === null || typeof value === "string";
  return (
    typeof source === "string" &&
    typeof target === "string" &&
    PHASES.includes(phase) &&
    isBookmark(frozenAt) &&
    isBookmark(endOfCopy) &&
    Array.isArray(groups) &&
    groups.every((one: MovedGroup) => typeof one.group === "string" && isBookmark(one.source) && isBookmark(one.target))
  );
}
