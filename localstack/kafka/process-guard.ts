import { type ChildProcess, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Sees the end of its standard input when the process that started it is gone, however that went (`kill -9` too); then it kills
 * what the folder names and removes the folder. A second removal, since a process that was just killed may have been writing.
 */
const GUARD_SCRIPT = `
cat >/dev/null
for file in "$1"/*.pid; do
  [ -f "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null
done
rm -rf "$1" 2>/dev/null || { sleep 1; rm -rf "$1"; }
`;

/** Processes and a folder that do not outlive this process. */
export interface ProcessGuard {
  /** To be called in the same step in which the process was started. The guard forgets it when it ends. */
  watch(child: ChildProcess): void;
  /** Gives the folder up: it is removed, and what is still watched is killed. */
  end(): void;
}

/** @param folder of the caller's making; everything in it is temporary */
export function startProcessGuard(folder: string): ProcessGuard {
  // In a session of its own: an interrupt from the terminal goes to the processes it guards, not to the guard.
  const guard = spawn("/bin/sh", ["-c", GUARD_SCRIPT, "sh", folder], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.unref();
  guard.stdin.on("error", () => undefined);
  return {
    watch(child) {
      const file = join(folder, `${child.pid}.pid`);
      writeFileSync(file, String(child.pid));
      child.once("exit", () => rmSync(file, { force: true }));
    },
    end: () => guard.stdin.destroy(),
  };
}
