import { globSync, readFileSync } from "node:fs";

/** Folders of many small files. Those of the others mostly run programs and whole suites, and a process more is little to them. */
const FOLDERS = ["test/unit/**/*.test.ts", "test/migration/**/*.test.ts"];

/** What says of a file that it must have a process of its own. */
const OWN_PROCESS = [
  // It replaces modules, clocks, variables of the environment or methods: what is loaded meanwhile would keep them.
  /\bvi\.(?!fn\b|wait)/,
  // It changes or measures the process, or listens to it: what others have left there would count as well.
  /\bprocess\.(?:on|once|memoryUsage|cpuUsage|resourceUsage|getActiveResourcesInfo)\(|\bprocess\.env\[[^\]]+\] = |defineProperty\(process\b/,
];

/** The test files that run one after the other in the processes of the workers, and load the core, an adapter and its SDK once in each. */
export function filesThatShareProcesses(): string[] {
  return globSync(FOLDERS).filter((file) => {
    const text = readFileSync(file, "utf8");
    return !OWN_PROCESS.some((sign) => sign.test(text));
  });
}
