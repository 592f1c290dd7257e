import type { GroupName } from "../../src/driver/index.ts";

const MAX_LENGTH = 249;

/** @returns why a group cannot have this name, or `null` if it can */
export function refuseGroupName({ group, nativeGroup = group }: GroupName): string | null {
  if (nativeGroup.length <= MAX_LENGTH && nativeGroup.isWellFormed()) return null;
  const received = nativeGroup.isWellFormed() ? `${nativeGroup.length}` : "half of a surrogate pair";
  return `a group's name has 1 to ${MAX_LENGTH} characters and is well-formed Unicode; received ${received}`;
}
