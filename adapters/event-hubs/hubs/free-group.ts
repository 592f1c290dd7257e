import { isCoded } from "../errors.ts";

/** Reads in the first of these consumer groups in which no group runs: where one does, readers are excluded. @throws what the last one says */
export async function inFreeGroup<Answer>(
  groups: readonly [string, ...string[]],
  read: (group: string) => Promise<Answer>,
): Promise<Answer> {
  const [group, ...others] = groups;
  const [next, ...rest] = others;
  try {
    return await read(group);
  } catch (error) {
    if (next === undefined || next === group || !isCoded(error, "ReceiverDisconnectedError")) throw error;
    return inFreeGroup([next, ...rest], read);
  }
}
