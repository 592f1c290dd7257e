#!/usr/bin/env node
import { nodeComplaint } from "../node-version.ts";

// Nothing else is imported here: what the command line is made of could not even be loaded by a Node that is too old.
const complaint = nodeComplaint();
if (complaint === null) {
  const { run } = await import("./run.ts");
  await run();
} else {
  console.error(`configuration: ${complaint}`);
  process.exitCode = 1;
}
