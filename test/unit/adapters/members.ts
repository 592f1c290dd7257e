import { type Connection, text } from "../../../src/index.ts";

/** For `expect.poll`: a busy machine takes its time. */
export const WAIT = { timeout: 60_000 };

/** Values are `key number`. */
export function keyed(connection: Connection, name: string) {
  return connection.topic(name, { codec: text(), key: (value) => value.split(" ")[0]! });
}

/** All that is stored until now, in the order of each shard. */
export async function stored(connection: Connection, name: string): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of keyed(connection, name).reader({ until: "now" })) values.push(value);
  return values;
}

/** A member that notes what it handles. */
export function member(connection: Connection, name: string, options: object = {}, handle: (value: string) => unknown = () => undefined) {
  const values: string[] = [];
  const revoked: string[] = [];
  const consumer = keyed(connection, name).consumer({
    group: "workers",
    commit: { everyMs: 20 },
    onRevoked: (partitions) => void revoked.push(...partitions),
    ...options,
  });
  let failure: unknown = null;
  const running = consumer
    .run(async (message) => {
      await handle(message.value);
      values.push(message.value);
    })
    .catch((error: unknown) => (failure = error));
  return {
    consumer,
    values,
    revoked,
    running,
    get failure(): unknown {
      return failure;
    },
  };
}

export function keysOf(values: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const byKey = new Map<string, number[]>();
  for (const value of values) {
    const [key, number] = value.split(" ");
    byKey.set(key!, [...(byKey.get(key!) ?? []), Number(number)]);
  }
  return byKey;
}
