/** A small program as an application would write it: it is compiled, bundled and run against the packed package. */
export const program = `
import { connect, json, StreamError, type Capability, type Message } from "streamport";
import { memory } from "streamport/memory";
import { conformanceCases } from "streamport/conformance";
import { startEmulator, type Emulator } from "streamport/emulators";
import type { Driver, OpenDriver } from "streamport/driver";

interface Flight { origin: string; delay: number }

const openDriver: OpenDriver = (url): Driver => { throw new StreamError("configuration", url); };
const capability: Capability = "topicAdmin";

const connection = await connect(memory({ topics: { flights: { partitions: 2 } } }), { require: [capability] });
const flights = connection.topic("flights", { codec: json<Flight>(), key: (flight) => flight.origin });
const producer = flights.producer();
for (let delay = 0; delay < 3; delay += 1) await producer.send({ value: { origin: "ATL", delay } });
const delays: number[] = [];
for await (const message of flights.reader({ until: "now" })) {
  const received: Message<Flight> = message;
  delays.push(received.value.delay);
}
await connection.close();
const emulator: Emulator = await startEmulator("kafka", { topics: { flights: { partitions: 2 } } });
const emulated = new URL(emulator.url).protocol;
await emulator.close();
console.log(JSON.stringify({ delays, cases: conformanceCases().length > 0, driver: typeof openDriver, emulated }));
`;

/** What it prints. */
export const expectedOutput = JSON.stringify({ delays: [0, 1, 2], cases: true, driver: "function", emulated: "kafka:" });
