import type { Checkpoint, CheckpointStore } from "../../src/migration/index.ts";

/** Checkpoints in this process. */
export function memoryCheckpoints(): CheckpointStore {
  const stored = new Map<string, Checkpoint>();
  return {
    read: async (partition) => stored.get(partition) ?? null,
    write: async (checkpoint) => void stored.set(checkpoint.partition, checkpoint),
  };
}
