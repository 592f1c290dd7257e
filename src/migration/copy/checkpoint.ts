import { StreamError } from "../../errors.ts";
import type { OptionRule } from "../../option-rules.ts";
import { parseState } from "../state-file.ts";

/**
 * How far a copy has come in one partition of the source, with the place in the target behind which everything further would lie. Both belong to
 * one moment, in which no write of this partition was under way: all messages of the partition up to `place` were stored, and none behind it was sent.
 *
 * An old checkpoint is as true as a new one. It only makes a later start read more of the target.
 */
export interface Checkpoint {
  readonly version: 1;
  /** `sourceIdOf` both topics: a checkpoint of a topic that was created anew is refused. */
  readonly source: string;
  readonly target: string;
  readonly partition: string;
  /** The last stored position, in the form of the source's driver; `null`: none, or the source keeps no order in a partition. */
  readonly place: string | null;
  /** Of the message at `place`, by `RecordDigests`: tells whether the log was cut and written anew. `null`: there is no place. */
  readonly digest: number | null;
  /** The ordinal of the last stored message; "0": none. */
  readonly ordinal: string;
  /** A bookmark of the target. */
  readonly targetBookmark: string;
  /** The partition of the target that gets the messages without a key. Absent: there was none, or nobody can choose. */
  readonly keylessTo?: string | undefined;
  /** How many partitions the source and the target had. Absent: no message had a key, or more partitions move no keys. */
  readonly sourcePartitions?: number | undefined;
  readonly targetPartitions?: number | undefined;
}

/** Where checkpoints are kept. All members of a copy should see the same ones; a member that sees none reads the whole target once. */
export interface CheckpointStore {
  /** @returns the last one of this partition, or `null` */
  read(partition: string): Promise<Checkpoint | null>;
  /** Replaces it, as a whole. */
  write(checkpoint: Checkpoint): Promise<void>;
  /**
   * Some of those that were written before, in the order of their writing: the map of positions. Absent: none are kept, and a position is looked for from
   * the beginning of the target.
   */
  history?(partition: string): Promise<readonly Checkpoint[]>;
}

/** For options that take a store of checkpoints or translations. A step that only reads takes the same one. */
export const STORE_RULE: OptionRule = {
  allowed: "an object with the functions read and write, as those that hold files",
  accepts: (value) => {
    const { read, write } = (value ?? {}) as Partial<CheckpointStore>;
    return typeof read === "function" && typeof write === "function";
  },
};

const FIELDS = ["source", "target", "partition", "ordinal", "targetBookmark"] as const;

/** @param where what the text was read from, for the error. @throws `corrupt` */
export function parseCheckpoint(text: string, where: string): Checkpoint {
  const content = parseState(text, where);
  if (isCheckpoint(content)) return content;
  throw new StreamError("corrupt", `${where} is not a checkpoint of version 1 of a copy`);
}

function isCheckpoint(content: unknown): content is Checkpoint {
  if (typeof content !== "object" || content === null) return false;
  const fields = content as Readonly<Record<string, unknown>>;
  const { version, place, digest, ordinal, keylessTo, sourcePartitions, targetPartitions } = fields;
  return (
    version === 1 &&
    FIELDS.every((name) => typeof fields[name] === "string") &&
    (place === null ? digest === null : typeof place === "string" && Number.isSafeInteger(digest)) &&
    /^\d+$/.test(String(ordinal)) &&
    (keylessTo === undefined || typeof keylessTo === "string") &&
    [sourcePartitions, targetPartitions].every((count) => count === undefined || Number.isSafeInteger(count))
  );
}
