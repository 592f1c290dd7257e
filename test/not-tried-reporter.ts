import { relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** A test of this name says that something could not run on this machine, and why. */
const MISSING = /^environment-missing: (.+)$/;

/** What of the run was not tried and why, as the last lines: else a machine without Java looks as good as one with it. */
export class NotTriedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const text = notTriedText(modules.flatMap((module) => [...module.children.allTests()]).map(describeTest));
    if (text !== "") process.stdout.write(text);
  }
}

/** A test by its name, where it is, and what the block around it is about. */
export interface SeenTest {
  readonly name: string;
  readonly file: string;
  /** Empty where the test stands alone. */
  readonly about: string;
}

function describeTest({ name, module, parent }: TestCase): SeenTest {
  return { name, file: relative(process.cwd(), module.moduleId), about: parent.type === "suite" ? parent.name : "" };
}

/** Grouped by the reason. Empty where everything was tried. */
export function notTriedText(tests: readonly SeenTest[]): string {
  const byReason = new Map<string, string[]>();
  for (const { name, file, about } of tests) {
    const reason = MISSING.exec(name)?.[1];
    if (reason === undefined) continue;
    const lines = byReason.get(reason) ?? [];
    byReason.set(reason, lines);
    lines.push(about === "" ? `    ${file}` : `    ${about} (${file})`);
  }
  if (byReason.size === 0) return "";
  const parts = [...byReason].map(([reason, lines]) => `  because ${reason}:\n${lines.join("\n")}\n`);
  return `\nNot tried on this machine,\n${parts.join("")}`;
}
