import { type Command, InvalidArgumentError } from "commander";
import type { Emulator } from "../../localstack/index.ts";
import { parseCount, parseNames } from "./options/parse-values.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { UsageError } from "./process/exit-errors.ts";
import { interruptible, whenAborted } from "./process/interruption.ts";

const DETAILS = `
Each prints the environment of a program that uses it. All that was stored is
gone when they end, by Ctrl-C. They listen on 127.0.0.1 only, unless --host says
otherwise, because there is no password. Clients in containers or on other
machines also need --advertised-host, the name by which they reach this machine,
since a server sends its clients the address to connect to.

memory: needs no emulator, because it is in the process that uses it.

Examples:
  streamport emulators
  streamport emulators kafka --topics flights,flights-failed --partitions 8
  streamport emulators kafka --port 9092
  streamport emulators kafka kinesis
  streamport emulators --host 0.0.0.0 --advertised-host host.docker.internal
  streamport emulators --json`;

const LARGEST_PORT = 65_535;
const EVERY_ADDRESS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

interface Options {
  readonly topics?: readonly string[];
  readonly partitions?: number;
  readonly port?: number;
  readonly host?: string;
  readonly advertisedHost?: string;
  readonly json?: boolean;
}

export function addEmulators(program: Command): void {
  program
    .command("emulators")
    .summary("run providers on this machine, without Docker or an account")
    .description("Starts providers in this process and prints their URLs. They run until Ctrl-C.")
    .argument("[providers...]", "which ones (default: all)")
    .option("--topics <names>", "topics that exist from the start, separated by commas", parseNames)
    .option("--partitions <count>", "of each of these topics (default: the provider's)", parseCount)
    .option("--port <port>", "to listen on, where there is one provider (default: a free one)", parsePort)
    .option("--host <address>", "of this machine, to listen on; 0.0.0.0: all of them (default: 127.0.0.1)", parseHost)
    .option("--advertised-host <name>", "by which clients reach this machine (default: the address of --host)", parseHost)
    .option("--json", "one JSON line per provider")
    .addHelpText("after", DETAILS)
    .action(emulate);
}

/** @throws `InvalidArgumentError` */
function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= LARGEST_PORT) return port;
  throw new InvalidArgumentError(`A port from 1 to ${LARGEST_PORT} is needed.`);
}

/** @throws `InvalidArgumentError` */
function parseHost(text: string): string {
  if (/^[a-z0-9](?:[\w.-]*[a-z0-9])?$/i.test(text) || text === "::") return text;
  throw new InvalidArgumentError("A name or an IPv4 address is needed, without a port.");
}

async function emulate(
  asked: readonly string[],
  { topics = [], partitions, port, host, advertisedHost, json = false }: Options,
): Promise<void> {
  const { inProcessProviders, reachableProviders } = await import("../../localstack/in-process.ts");
  const unknown = asked.find((provider) => !reachableProviders.includes(provider));
  if (unknown !== undefined)
    throw new UsageError(`there is no emulator ${JSON.stringify(unknown)}; there are ${reachableProviders.join(", ")}`);
  const providers = asked.length === 0 ? reachableProviders : [...new Set(asked)];
  if (partitions !== undefined && topics.length === 0) {
    throw new UsageError("--partitions is how many each topic of --topics has; name them, such as --topics flights --partitions 8");
  }
  if (port !== undefined && providers.length > 1) throw new UsageError(`--port is for one provider, not for ${providers.join(", ")}`);
  if (advertisedHost !== undefined && EVERY_ADDRESS.has(advertisedHost)) {
    throw new UsageError(`--advertised-host ${advertisedHost} is all addresses of a machine; clients need one, or a name`);
  }
  if (host !== undefined && EVERY_ADDRESS.has(host) && advertisedHost === undefined) {
    console.error("Clients are sent to 127.0.0.1. Clients in containers or on other machines need --advertised-host.");
  }
  const settings = Object.fromEntries(topics.map((topic) => [topic, { partitions }]));
  const output = new StandardOutput();
  const running: Emulator[] = [];
  await interruptible(async (interrupted) => {
    try {
      for (const provider of providers) {
        const emulator = await inProcessProviders[provider]!({ topics: settings, port, host, advertisedHost });
        running.push(emulator);
        await output.write(json ? jsonLine(provider, emulator) : environmentLines(provider, emulator));
      }
      const over = Promise.withResolvers<void>();
      whenAborted(interrupted, () => over.resolve());
      await over.promise;
    } finally {
      await Promise.all(running.map((emulator) => emulator.close()));
    }
  });
}

/** The environment of a program that uses the emulator. */
function environmentOf({ url, environment = {} }: Emulator): Readonly<Record<string, string>> {
  return { STREAM_URL: url, ...environment };
}

function jsonLine(provider: string, emulator: Emulator): string {
  return `${JSON.stringify({ provider, url: emulator.url, environment: environmentOf(emulator) })}\n`;
}

/** Lines for a shell: `eval` or an env file takes them unchanged. */
function environmentLines(provider: string, emulator: Emulator): string {
  const lines = Object.entries(environmentOf(emulator)).map(([name, value]) => `${name}='${value}'`);
  return `# ${provider}\n${lines.join("\n")}\n`;
}
