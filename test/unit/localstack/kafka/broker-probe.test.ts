import { once } from "node:events";
import { type AddressInfo, type Server, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { probeBroker } from "../../../../localstack/kafka/broker-probe.ts";
import { describeGroupsApi } from "../../../../localstack/kafka/broker/requests/describe-groups.ts";
import { findCoordinatorApi } from "../../../../localstack/kafka/broker/requests/find-coordinator.ts";
import { metadataApi } from "../../../../localstack/kafka/broker/requests/metadata.ts";
import { WireWriter } from "../../../../localstack/kafka/broker/wire/wire-writer.ts";

interface BrokerState {
  readonly nodeIds: readonly number[];
  readonly coordinatorError: number;
  readonly groupError: number;
}

let server: Server | undefined;

afterEach(() => {
  server?.close();
});

/** Writes the answer of a broker in this state, behind the correlation id of its request. */
function writeAnswer(request: Buffer, state: BrokerState, port: number): WireWriter {
  const writer = new WireWriter(request.readInt16BE(6), false);
  writer.int32(request.readInt32BE(8));
  const host = "127.0.0.1";
  const answers: Record<number, () => void> = {
    [metadataApi.key]: () => {
      const brokers = state.nodeIds.map((nodeId) => ({ nodeId, host, port }));
      metadataApi.answer.write(writer, { brokers, clusterId: null, controllerId: 1, topics: [] });
    },
    [findCoordinatorApi.key]: () => findCoordinatorApi.answer.write(writer, { errorCode: state.coordinatorError, nodeId: 1, host, port }),
    [describeGroupsApi.key]: () => {
      const group = { groupId: "probe", groupState: "Dead", protocolType: "", protocolData: "", members: [] };
      describeGroupsApi.answer.write(writer, { groups: [{ ...group, errorCode: state.groupError }] });
    },
  };
  const write = answers[request.readInt16BE(4)];
  if (write === undefined) throw new Error("a request that this broker does not know");
  write();
  return writer;
}

/** Answers like a broker in the given state. The answer arrives in two pieces, because a network may split it. */
async function brokerWith(state: BrokerState): Promise<number> {
  const listening = createServer((socket) => {
    socket.once("data", (request) => {
      const { port } = listening.address() as AddressInfo;
      const answer = Buffer.concat(writeAnswer(request, state, port).frame());
      socket.write(answer.subarray(0, 6));
      socket.write(answer.subarray(6));
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
