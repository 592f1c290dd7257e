import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointHistory } from "../positions/checkpoint-history.ts";
import { type Checkpoint, type CheckpointStore, parseCheckpoint } from "./checkpoint.ts";

/** Checkpoints in a directory, a file for each partition, and one for former ones, which map positions. Members on several machines share it, or each has its own. */
export function checkpointFiles(directory: string): CheckpointStore {
  const fileOf = (partition: string): string => join(directory, `${encodeURIComponent(partition)}.json`);
  const histories = new Map<string, CheckpointHistory>();
  const historyOf = (partition: string): CheckpointHistory => {
    const history = histories.get(partition) ?? new CheckpointHistory(join(directory, `${encodeURIComponent(partition)}.positions`));
    histories.set(partition, history);
    return history;
  };
  return {
    history: (partition) => historyOf(partition).read(),
    async read(partition) {
      const file = fileOf(partition);
      try {
        return parseCheckpoint(await readFile(file, "utf8"), file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async write(checkpoint: Checkpoint) {
      const file = fileOf(checkpoint.partition);
      // Renamed into place, so that a reader never sees half of it. Two members may write at once.
      const unfinished = `${file}.${randomUUID()}`;
      await mkdir(directory, { recursive: true });
      await writeFile(unfinished, `${JSON.stringify(checkpoint)}\n`);
      await rename(unfinished, file);
      await historyOf(checkpoint.partition).add(checkpoint);
    },
  };
}
