/** A copier in a process of its own, to be killed: `node copier-process.ts <options as JSON>`. Says so each time that it has stored a checkpoint. */
import { connect } from "../../src/index.ts";
import { type CheckpointStore, checkpointFiles, copy } from "../../src/migration/index.ts";

export interface CopierOptions {
  readonly sourceUrl: string;
  readonly targetUrl: string;
  readonly fromTopic: string;
  readonly toTopic: string;
  readonly state: string;
}

const { sourceUrl, targetUrl, fromTopic, toTopic, state } = JSON.parse(process.argv[2]!) as CopierOptions;
const source = { connection: await connect(sourceUrl), topic: fromTopic };
const target = { connection: await connect(targetUrl), topic: toTopic };
const files = checkpointFiles(state);
const write: CheckpointStore["write"] = async (checkpoint) => {
  await files.write(checkpoint);
  process.stdout.write(`${checkpoint.partition}: ${checkpoint.place}\n`);
};
await copy(source, target, {
  continuous: true,
  checkpoints: { ...files, write },
  checkpointEveryMs: 100,
  batchMessages: 50,
  ratePerSecond: 2_000,
  // The shortest that Kafka takes.
  sessionTimeoutMs: 6_000,
});
