import type { Command } from "commander";
import type { Connection } from "../../connection-types.ts";
import type { Side } from "../../migration/index.ts";
import { UsageError } from "../process/exit-errors.ts";
import { connectToTarget } from "../process/with-connection.ts";
import { refuseMemory } from "./connection-url.ts";
import { requiredName } from "./require-names.ts";

export interface TwoSidesOptions {
  readonly fromTopic: string;
  readonly toTopic: string;
}

/** Adds the options that every step of a migration begins with. */
export function withTwoSides(command: Command): Command {
  return command
    .addOption(requiredName("--from-topic <topic>", "the topic to move, at STREAM_SOURCE_URL"))
    .addOption(requiredName("--to-topic <topic>", "the topic that it moves to, at STREAM_TARGET_URL"))
    .allowExcessArguments();
}

/** Connects both sides, and closes the connections after the work, however it ended. @throws `UsageError` for URLs that cannot be used */
export async function withTwoConnections<Result>(
  { fromTopic, toTopic }: TwoSidesOptions,
  work: (source: Side, target: Side) => Promise<Result>,
): Promise<Result> {
  const [sourceUrl, targetUrl] = [urlOf("STREAM_SOURCE_URL", "source"), urlOf("STREAM_TARGET_URL", "target")];
  const connections: Connection[] = [];
  try {
    for (const url of [sourceUrl, targetUrl]) connections.push(await connectToTarget({ url }));
    const [source, target] = connections as [Connection, Connection];
    return await work({ connection: source, topic: fromTopic }, { connection: target, topic: toTopic });
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

function urlOf(variable: string, side: string): string {
  const url = process.env[variable];
  if (url === undefined || url === "")
    throw new UsageError(`the URL of the ${side} is needed, such as kafka://host:9092: in the environment variable ${variable}`);
  refuseMemory({ url });
  return url;
}
