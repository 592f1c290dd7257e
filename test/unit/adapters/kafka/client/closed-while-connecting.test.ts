import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";

const SOURCES = join(import.meta.dirname, "..", "..", "..", "..", "..", "src", "index.ts");

/** Connections that are closed some turns after their first call. Some of them are still opening their socket. */
const program = (url: string): string => `
  import { connect } from ${JSON.stringify(pathToFileURL(SOURCES).href)};
  import { setImmediate as nextTurn } from "node:timers/promises";
  const first = await connect(${JSON.stringify(url)});
  await first.admin.listTopics();
  await first.close();
  for (let turns = 0; turns < 40; turns += 1) {
    const connection = await connect(${JSON.stringify(url)});
    const call = connection.admin.listTopics().catch(() => undefined);
    for (let turn = 0; turn < turns % 10; turn += 1) await nextTurn();
    await connection.close();
    await call;
  }
`;

test("a connection that is closed while it connects does not keep the process alive", async () => {
  await using kafka = await startEmulatedKafka();
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program(kafka.url)], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  expect({ code, signal, errors }).toEqual({ code: 0, signal: null, errors: "" });
});
