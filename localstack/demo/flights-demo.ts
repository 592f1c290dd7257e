import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type Reader, type Topic, connect, isStreamError, json } from "../../src/index.ts";
import { type DemoRow, perSecond, timed } from "./demo-row.ts";
import { FlightLog, LINE_HEADER } from "./flight-log.ts";
import { type Flight, type FlightLine, type Months, loadFlights } from "./flights.ts";
import { failuresOf } from "./findings.ts";
import { handleByTwoMembers } from "./two-members.ts";

const GROUP = "delays";

export interface DemoResult {
  readonly row: DemoRow;
  /** One sentence for each check that failed. */
  readonly failures: readonly string[];
}

/**
 * 20,000 flights are published and handled by two members of a group; then February is replayed, and once more in two
 * halves. Everything is compared with the file. The topics have names of their own and are deleted afterwards.
 */
export async function runFlightsDemo(url: string): Promise<DemoResult> {
  const run = randomUUID().slice(0, 8);
  const names = { flights: `flights-${run}`, failed: `flights-failed-${run}` };
  const connection = await connect(url, { require: ["topicAdmin", "groupAdmin"] });
  try {
    await connection.admin.createTopic(names.flights, connection.capabilities.partitions ? { partitions: 8 } : {});
    await connection.admin.createTopic(names.failed);
    return await demonstrate(url, connection, names);
  } finally {
    await connection.admin.deleteGroup(names.flights, GROUP).catch(ignoreMissing);
    for (const topic of Object.values(names)) await connection.admin.deleteTopic(topic).catch(ignoreMissing);
    await connection.close();
  }
}

/** The one thing that an application says about its topic: what is in it, and what is kept in order. */
function flightsTopic(connection: Connection, name: string): Topic<Flight> {
  return connection.topic(name, { codec: json<Flight>(), key: (flight) => flight.origin });
}

async function demonstrate(url: string, connection: Connection, names: { flights: string; failed: string }): Promise<DemoResult> {
  const startedAt = performance.now();
  const months = await loadFlights();
  const all = [...months.january, ...months.february, ...months.march];
  const flights = flightsTopic(connection, names.flights);

  const { february, seconds: publishSeconds } = await publishMonthByMonth(flights, months);
  const handled = await timed(() => handleByTwoMembers(flights, GROUP, names.failed, all));
  const failed = await linesIn(flightsTopic(connection, names.failed).reader({ until: "now" }));
  // The member that leaves may have stored the dead letter, and not what it stands behind: then the other one stores it again.
  const deadLetters = [...new Set(failed)];
  const replay = await timed(() => replayAll(flights.reader(february), months.february));
  const halves = await replayInTwoHalves(url, names.flights, february, months.february);

  const row: DemoRow = {
    provider: connection.provider,
    messages: all.length,
    lost: handled.result.lost,
    outOfOrder: handled.result.log.outOfOrder,
    duplicates: handled.result.duplicates + failed.length - deadLetters.length,
    deadLetters: deadLetters.length,
    replayed: replay.result.arrived,
    replayExpected: months.february.length,
    rates: {
      publish: perSecond(all.length, publishSeconds),
      handle: perSecond(all.length, handled.seconds),
      replay: perSecond(replay.result.arrived, replay.seconds),
    },
    seconds: Math.round(performance.now() - startedAt) / 1_000,
  };
  return { row, failures: failuresOf({ messages: all.length, handled: handled.result, deadLetters, replay: replay.result, halves }) };
}

/** Where February begins and ends, by the provider's own clock. */
interface Range {
  readonly from: { readonly timestamp: number };
  readonly until: { readonly timestamp: number };
}

async function publishMonthByMonth(flights: Topic<Flight>, months: Months): Promise<{ february: Range; seconds: number }> {
  const producer = flights.producer();
  const publish = async (month: readonly FlightLine[]): Promise<number> => {
    const messages = month.map(({ line, flight }) => ({ value: flight, headers: { [LINE_HEADER]: String(line) } }));
    return (await timed(() => producer.sendStream(messages))).seconds;
  };
  const januarySeconds = await publish(months.january);
  const from = { timestamp: await nextTime(flights) };
  const februarySeconds = await publish(months.february);
  const until = { timestamp: await nextTime(flights) };
  const marchSeconds = await publish(months.march);
  await producer.close();
  return { february: { from, until }, seconds: januarySeconds + februarySeconds + marchSeconds };
}

/** A time after everything that is stored, and before everything that will be. */
async function nextTime(flights: Topic<Flight>): Promise<number> {
  let newest = 0;
  for await (const { timestamp } of flights.reader({ until: "now" })) newest = Math.max(newest, timestamp.getTime());
  await sleep(100);
  return newest + 1;
}

async function replayAll(reader: Reader<Flight>, expected: readonly FlightLine[]): Promise<FlightLog> {
  const log = new FlightLog(expected);
  for await (const message of reader) log.add(message);
  return log;
}

/** Stops half-way, keeps the bookmark, and goes on from another connection, as another process would. */
async function replayInTwoHalves(url: string, topic: string, range: Range, expected: readonly FlightLine[]): Promise<FlightLog> {
  const log = new FlightLog(expected);
  const first = await connect(url);
  const reader = flightsTopic(first, topic).reader(range);
  for await (const message of reader) {
    log.add(message);
    if (log.arrived >= expected.length / 2) break;
  }
  const bookmark = await reader.bookmark();
  await first.close();

  const second = await connect(url);
  for await (const message of flightsTopic(second, topic).reader({ from: { bookmark }, until: range.until })) log.add(message);
  await second.close();
  return log;
}

async function linesIn(reader: Reader<Flight>): Promise<readonly number[]> {
  const lines: number[] = [];
  for await (const message of reader) lines.push(Number(message.headers[LINE_HEADER]));
  return lines;
}

/** What a demo that failed half-way never created need not be deleted. */
function ignoreMissing(error: unknown): void {
  if (!isStreamError(error, "not-found")) throw error;
}
