import { expect, test } from "vitest";
import { freePort } from "../free-port.ts";
import { runCommandLine } from "../cli/command-line.ts";

test.concurrent.each([
  ["topics", "list"],
  ["lag", "--topic", "orders"],
  ["read", "--topic", "orders"],
  ["produce", "--topic", "orders", "--lines"],
])(
  "%s %s ends after 30 s without a provider, says meanwhile why it waits, and names host, port and code",
  async (...args) => {
    const port = await freePort();
    const startedAtMs = performance.now();
    const { exitCode, output, errors } = await runCommandLine(args, { stdin: "one\n", env: { STREAM_URL: `kafka://127.0.0.1:${port}` } });
    const seconds = (performance.now() - startedAtMs) / 1_000;
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: "" });
    const refused = `no connection to 127\\.0\\.0\\.1:${port} \\(ECONNREFUSED\\)`;
    expect(errors).toMatch(new RegExp(`^trying again: unavailable: ${refused}`));
    expect(errors.trimEnd().split("\n").at(-1)).toMatch(new RegExp(`^(?:unavailable|timeout): .*${refused}`));
    expect(seconds).toBeGreaterThan(28);
    expect(seconds).toBeLessThan(45);
  },
  90_000,
);
