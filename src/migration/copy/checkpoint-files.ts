import { join } from "node:path";
import { CheckpointHistory } from "../positions/checkpoint-history.ts";
import { readIfThere, writeStateFile } from "../state-file.ts";
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
      const text = await readIfThere(file);
      return text === null ? null : parseCheckpoint(text, file);
    },
    async write(checkpoint: Checkpoint) {
      await writeStateFile(fileOf(checkpoint.partition), JSON.stringify(checkpoint));
      await historyOf(checkpoint.partition).add(checkpoint);
    },
  };
}
