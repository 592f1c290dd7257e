import type { Command } from "commander";
import type { Capabilities } from "../capabilities.ts";
import { bytes } from "../codec/bytes.ts";
import { type AdapterOptions, connectionTarget, withUrl } from "./options/connection-url.ts";
import { NameOption } from "./options/require-names.ts";
import { StandardOutput } from "./output/standard-output.ts";
import { table } from "./output/table.ts";
import { withConnection } from "./process/with-connection.ts";

const EXAMPLES = `
Examples:
  streamport capabilities kafka://localhost:9092
  streamport capabilities memory: --json | jq .partitions
  streamport capabilities kafka://localhost:9092 --topic orders`;

interface Options extends AdapterOptions {
  readonly topic?: string;
  readonly json?: boolean;
}

export function addCapabilities(program: Command): void {
  withUrl(program.command("capabilities"))
    .summary("what a provider can do")
    .description("Shows what the provider can do, and its limits. Makes no call, except with --topic.")
    .addOption(new NameOption("-t, --topic <topic>", "narrowed to this topic: asks the provider"))
    .option("--json", "as one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(showCapabilities);
}

async function showCapabilities(url: string | undefined, { topic, json, ...given }: Options): Promise<void> {
  await withConnection(connectionTarget(url, given), async (connection) => {
    const capabilities = topic === undefined ? connection.capabilities : await connection.topic(topic, { codec: bytes() }).capabilities();
    await new StandardOutput().write(json === true ? `${JSON.stringify(capabilities)}\n` : asTable(connection.provider, capabilities));
  });
}

function asTable(provider: string, { limits, ...capabilities }: Capabilities): string {
  const rows = Object.entries(capabilities).map(([name, value]) => [name, shown(value)]);
  const sizes = Object.entries<number | undefined>({ ...limits }).flatMap(([name, size]) =>
    size === undefined ? [] : [[`limits.${name}`, shown(size)]],
  );
  return table([["capability", provider], ...rows, ...sizes]);
}

function shown(value: boolean | string | number | null): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null) return "unlimited";
  return typeof value === "number" ? value.toLocaleString("en") : value;
}
