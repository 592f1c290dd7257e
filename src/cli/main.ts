#!/usr/bin/env node
import { unsupportedNodeMessage } from "../node-version.ts";

// Nothing else is imported here: what the command line is made of could not even be loaded by a Node that is too old.
const unsupported = unsupportedNodeMessage();
if (unsupported === null) {
  const { run } = await import("./run.ts");
  await run();
} else {
  console.error(`configuration: ${unsupported}`);
  process.exitCode = 1;
}
