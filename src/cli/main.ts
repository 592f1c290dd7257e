#!/usr/bin/env node
import { unsupportedNodeMessage } from "../node-version.ts";

// Nothing else is imported here, because a Node that is too old cannot load the rest of the command line.
const unsupported = unsupportedNodeMessage();
if (unsupported === null) {
  const { enableCompileCache } = await import("node:module");
  // Compiled code is kept in the folder for temporary files: a command starts in two thirds of the time.
  enableCompileCache();
  const { run } = await import("./run.ts");
  await run();
} else {
  console.error(`configuration: ${unsupported}`);
  process.exitCode = 1;
}
