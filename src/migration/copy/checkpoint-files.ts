import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Checkpoint, type CheckpointStore, parseCheckpoint } from "./checkpoint.ts";

/** Checkpoints in a directory, a file for each partition. Members on several machines share it, or each has its own. */
export function checkpointFiles(directory: string): CheckpointStore {
  const fileOf = (partition: string): string => join(directory, `${encodeURIComponent(partition)}.json`);
  return {
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
    },
  };
}
