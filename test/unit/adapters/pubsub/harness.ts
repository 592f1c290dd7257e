import type { PubSubCapability } from "../../../../adapters/pubsub/capabilities.ts";
import { loadPubSubOpener } from "../../../../adapters/pubsub/open.ts";
import { type EmulatedPubSub, type EmulatedPubSubOptions, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import type { Driver } from "../../../../src/driver/index.ts";
import type { Connection } from "../../../../src/connection-types.ts";
import { connect } from "../../../../src/connect.ts";
import { text } from "../../../../src/codec/text.ts";
import { type RawClients, rawClients } from "../../localstack/pubsub/raw-clients.ts";

/** An emulator, a connection to it, and Google's own clients beside it. */
export interface Harness extends AsyncDisposable {
  readonly emulator: EmulatedPubSub;
  readonly connection: Connection<PubSubCapability>;
  readonly raw: RawClients;
}

export async function harness(options: EmulatedPubSubOptions = {}): Promise<Harness> {
  const emulator = await startEmulatedPubSub({ topics: { flights: {} }, ...options });
  const connection = await connect((await loadPubSubOpener())(emulator.url) as Driver<PubSubCapability>);
  const raw = rawClients(emulator);
  return {
    emulator,
    connection,
    raw,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await raw[Symbol.asyncDispose]();
      await emulator.close();
    },
  };
}

export function flights(connection: Connection<PubSubCapability>) {
  return connection.topic("flights", { codec: text() });
}
