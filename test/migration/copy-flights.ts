import type { ExpectStatic } from "vitest";
import { FlightLog, LINE_HEADER } from "../../localstack/demo/flight-log.ts";
import { type Flight, type FlightLine, loadFlights } from "../../localstack/demo/flights.ts";
import { inProcessProviders } from "../../localstack/in-process.ts";
import { connect, json } from "../../src/index.ts";
import { copyGroup } from "../../src/migration/copy/copy-options.ts";
import { type Side, copy, verify } from "../../src/migration/index.ts";
import { equalResult } from "./two-topics.ts";

const SOURCE = "flights";
const TARGET = "departures";

/** The first flights of the file of the demo. */
export async function someFlights(count: number): Promise<readonly FlightLine[]> {
  const { january, february, march } = await loadFlights();
  return [...january, ...february, ...march].slice(0, count);
}

/** Copies flights from one emulator to another, with other numbers of partitions, and reads what has come. */
export async function expectFlightsCopied(
  expect: ExpectStatic,
  [from, to]: readonly [string, string],
  flights: readonly FlightLine[],
): Promise<void> {
  // Some services need to know the group before there are messages.
  const sourceTopic = { groups: [copyGroup(SOURCE, TARGET)], ...(from === "pubsub" ? {} : { partitions: 4 }) };
  await using sourceEmulator = await inProcessProviders[from]!({ topics: { [SOURCE]: sourceTopic } });
  await using targetEmulator = await inProcessProviders[to]!({ topics: { [TARGET]: to === "pubsub" ? {} : { partitions: 3 } } });
  await using sourceConnection = await connect(sourceEmulator.url);
  await using targetConnection = await connect(targetEmulator.url);
  const source = { connection: sourceConnection, topic: SOURCE };
  const target = { connection: targetConnection, topic: TARGET };
  const producer = flightsOf(source).producer();
  await producer.sendStream(flights.map(({ line, flight }) => ({ value: flight, headers: { [LINE_HEADER]: String(line) } })));
  await producer.close();

  const { copied, duplicates } = await copy(source, target);
  expect(copied).toBe(flights.length);
  // A service that settles single messages may deliver some again, on a busy machine: those are left out, as the verification shows.
  if (sourceConnection.capabilities.orderingUnit === "partition") expect(duplicates).toBe(0);
  expect(await verify(source, target)).toEqual(equalResult(flights.length));
  const log = new FlightLog(flights);
  for await (const message of flightsOf(target).reader({ until: "now" })) log.add(message);
  expect(log.isExact, log.summary).toBe(true);
}

function flightsOf({ connection, topic }: Side) {
  return connection.topic(topic, { codec: json<Flight>(), key: (flight) => flight.origin });
}
