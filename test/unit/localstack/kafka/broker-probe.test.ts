import { once } from "node:events";
import { type AddressInfo, type Server, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { probeBroker } from "../../../../localstack/kafka/broker-probe.ts";
import { wireInt32, wireString } from "../../../../localstack/kafka/wire-request.ts";

const METADATA = 3;
const FIND_COORDINATOR = 10;
const DESCRIBE_GROUPS = 15;

let server: Server | undefined;

afterEach(() => {
  server?.close();
});

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function address(nodeId: number, port: number): Buffer {
  return Buffer.concat([wireInt32(nodeId), wireString("127.0.0.1"), wireInt32(port)]);
}

/** Answers like a broker whose state is given; the answer comes in two pieces, as it may. */
async function brokerWith(state: { nodeIds: readonly number[]; coordinatorError: number; groupError: number }): Promise<number> {
  const noRack = int16(-1);
  const listening = createServer((socket) => {
    socket.once("data", (request) => {
      const port = (listening.address() as AddressInfo).port;
      const bodies: Record<number, Buffer> = {
        [METADATA]: Buffer.concat([wireInt32(state.nodeIds.length), ...state.nodeIds.flatMap((id) => [address(id, port), noRack])]),
        [FIND_COORDINATOR]: Buffer.concat([wireInt32(0), int16(state.coordinatorError), int16(-1), address(1, port)]),
        [DESCRIBE_GROUPS]: Buffer.concat([wireInt32(1), int16(state.groupError)]),
      };
      const body = bodies[request.readInt16BE(4)];
      if (body === undefined) throw new Error("a request that this broker does not know");
      socket.write(Buffer.concat([wireInt32(4 + body.length), request.subarray(8, 10)]));
      socket.write(Buffer.concat([request.subarray(10, 12), body]));
    });
  });
  server = listening.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("a broker that knows the others and serves groups is ready", async () => {
  const port = await brokerWith({ nodeIds: [1, 2], coordinatorError: 0, groupError: 0 });
  expect(await probeBroker(port, [1, 2])).toBeNull();
});

test.each([
  ["another broker", { nodeIds: [1], coordinatorError: 0, groupError: 0 }, "does not know of broker 2 yet"],
  ["the coordinator", { nodeIds: [1, 2], coordinatorError: 15, groupError: 0 }, "coordinator is not available yet (error code 15)"],
  ["the coordinator's groups", { nodeIds: [1, 2], coordinatorError: 0, groupError: 14 }, "is not ready yet (error code 14)"],
])("it waits for %s", async (_, state, missing) => {
  expect(await probeBroker(await brokerWith(state), [1, 2])).toContain(missing);
});

test("a port that closes without an answer is an error", async () => {
  server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  await expect(probeBroker((server.address() as AddressInfo).port, [1])).rejects.toThrow(/closed the connection|ECONNRESET|EPIPE/);
});
