import type { TestContext } from "vitest";
import { type EmulatedProvider, startEmulator } from "../../localstack/index.ts";
import { type Connection, connect } from "../../src/index.ts";

export interface EmulatedSide {
  readonly connection: Connection;
  readonly topic: string;
}

/** A topic on an emulator of its own, with a connection. */
export async function emulatedSide(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  provider: EmulatedProvider,
  topic: string,
  partitions: number,
): Promise<EmulatedSide> {
  const emulator = await startEmulator(provider, { topics: { [topic]: { partitions } } });
  onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  return { connection, topic };
}
