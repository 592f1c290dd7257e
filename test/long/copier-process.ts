/** A copier in a process of its own, to be killed: `node copier-process.ts <options as JSON>`. Says `copied <count>` each time that it has copied more. */
import { connect } from "../../src/index.ts";
import { checkpointFiles, copy } from "../../src/migration/index.ts";

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
let before = 0;
await copy(source, target, {
  continuous: true,
  checkpoints: checkpointFiles(state),
  checkpointEveryMs: 100,
  batchMessages: 50,
  ratePerSecond: 2_000,
  // The shortest that Kafka takes.
  sessionTimeoutMs: 6_000,
  onProgress: ({ copied }) => {
    if (copied > before) process.stdout.write(`copied ${copied}\n`);
    before = copied;
  },
});
