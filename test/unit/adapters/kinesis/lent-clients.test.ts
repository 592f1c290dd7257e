import { ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { kinesis } from "../../../../adapters/kinesis/index.ts";
import { connect } from "../../../../src/index.ts";
import { type Clients, clientsOf } from "../../localstack/kinesis/clients.ts";
import { WAIT, keyed, member } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

interface Sent {
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
}

/** A transport as applications choose one for other platforms, or for a proxy. It takes only signals of the platform. */
const OVER_FETCH = {
  metadata: { handlerProtocol: "http/1.1" },
  async handle({ hostname, port, path, method, headers, body = "" }: Sent, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) {
    const answer = await fetch(`http://${hostname}:${port}${path}`, { method, headers, body, signal: abortSignal ?? null });
    return {
      response: {
        statusCode: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: new Uint8Array(await answer.arrayBuffer()),
      },
    };
  },
};

function overFetch(world: KinesisWorld): Clients {
  return clientsOf(world.emulator, { requestHandler: OVER_FETCH as never });
}

test("clients of the application do everything over their own transport, and stay open", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  using lent = overFetch(world);
  const connection = await connect(kinesis({ client: lent.kinesis, leaseClient: lent.dynamo, pollMs: 50 }));
  const consuming = member(connection, "orders");
  await keyed(connection, "orders")
    .producer()
    .sendBatch([{ value: "a 0" }, { value: "a 1" }, { value: "b 0" }]);
  await expect.poll(() => consuming.values.toSorted(), WAIT).toEqual(["a 0", "a 1", "b 0"]);
  await connection.close();
  expect(consuming.failure).toBeNull();
  expect((await lent.kinesis.send(new ListStreamsCommand({}))).StreamNames).toEqual(["orders"]);
});
