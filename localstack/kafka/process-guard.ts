import { type ChildProcess, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The guard's standard input ends when the process that started it is gone, even by `kill -9`. Then the guard kills the processes
 * that the folder names and removes the folder. It removes it twice, because a killed process may have been writing at the first time.
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
  /** Must be called in the same step in which the process was started. The guard stops watching a process that ends. */
  watch(child: ChildProcess): void;
  /** Ends the guard, which removes the folder and kills the processes that it still watches. */
  end(): void;
}

/** @param folder made by the caller; everything in it is temporary */
export function startProcessGuard(folder: string): ProcessGuard {
  // The guard has a session of its own, so that an interrupt from the terminal reaches the guarded processes, but not the guard.
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
