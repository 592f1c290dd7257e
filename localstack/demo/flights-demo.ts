import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type OutgoingMessage, type Reader, type Topic, isStreamError, json } from "../../src/index.ts";
import type { Emulator } from "../emulator.ts";
import { type DemoRow, perSecond, timed } from "./demo-row.ts";
import { FlightLog, LINE_HEADER } from "./flight-log.ts";
import { type Flight, type FlightLine, type Months, loadFlights } from "./flights.ts";
import { type Check, checksOf } from "./findings.ts";
import { handleByTwoMembers } from "./two-members.ts";

const GROUP = "delays";

export interface DemoResult {
  readonly row: DemoRow;
  readonly checks: readonly Check[];
}

/** A part of the demo that takes noticeable time. */
export interface DemoStep {
  /** `handled by two members` */
  readonly text: string;
  readonly total: number;
  /** How many flights this step has done. */
  done(): number;
}

/** What the demo needs of a provider that runs in this process: its emulator makes the topics. */
export const EMULATED_NEEDS = ["groupAdmin"] as const;
/** What it needs of a server. */
export const DEMO_NEEDS = ["topicAdmin", ...EMULATED_NEEDS] as const;

type DemoConnection = Connection<(typeof EMULATED_NEEDS)[number]>;

/** Connects to the provider of the demo, each time anew, as another process would. */
export type ConnectDemo = () => Promise<DemoConnection>;

/**
 * Publishes 20,000 flights, which two members of a group handle. Then it replays February once in one piece and once in two
 * halves. Everything is compared with the file. The topics have unique names and are deleted afterwards.
 * @param onStep is called when a step begins
 * @param emulator makes the topics where the provider lets no client do so
 */
export async function runFlightsDemo(
  connect: ConnectDemo,
  onStep: (step: DemoStep) => void,
  emulator: Pick<Emulator, "createTopic"> | null = null,
): Promise<DemoResult> {
  const run = randomUUID().slice(0, 8);
  const names = { flights: `flights-${run}`, failed: `flights-failed-${run}` };
  const connection = await connect();
  const { error } = await connection.check();
  if (error !== null) {
    await connection.close();
    throw error;
  }
  const { capabilities } = connection;
  const administration = (connection as Connection<"topicAdmin">).admin;
  try {
    const partitions = capabilities.partitions ? { partitions: 8 } : {};
    if (emulator !== null && !capabilities.topicAdmin) {
      await emulator.createTopic(names.flights, { ...partitions, groups: [GROUP] });
      await emulator.createTopic(names.failed);
    } else {
      await administration.createTopic(names.flights, partitions);
      await administration.createTopic(names.failed);
    }
    return await demonstrate(connect, connection, names, onStep);
  } finally {
    await connection.admin.deleteGroup(names.flights, GROUP).catch(ignoreMissing);
    // The others end with their emulator.
    if (capabilities.topicAdmin) for (const topic of Object.values(names)) await administration.deleteTopic(topic).catch(ignoreMissing);
    await connection.close();
  }
}

/** This is all that an application declares about its topic: the type of its messages, and the key that keeps them in order. */
function flightsTopic(connection: Connection, name: string): Topic<Flight> {
  return connection.topic(name, { codec: json<Flight>(), key: (flight) => flight.origin });
}

async function demonstrate(
  connect: ConnectDemo,
  connection: DemoConnection,
  names: { flights: string; failed: string },
  onStep: (step: DemoStep) => void,
): Promise<DemoResult> {
  const startedAt = performance.now();
  const months = await loadFlights();
  const all = [...months.january, ...months.february, ...months.march];
  const flights = flightsTopic(connection, names.flights);

  let published = 0;
  onStep({ text: "published", total: all.length, done: () => published });
  const { february, seconds: publishSeconds } = await publishMonthByMonth(flights, months, () => (published += 1));
  const handled = await timed(() =>
    handleByTwoMembers(flights, GROUP, names.failed, all, (done) => onStep({ text: "handled by two members", total: all.length, done })),
  );
  const failed = await linesIn(flightsTopic(connection, names.failed).reader({ until: "now" }));
  // The member that leaves may have stored the dead letter before its commit. Then the other member stores the dead letter again.
  const deadLetters = [...new Set(failed)];
  const [whole, halves] = [new FlightLog(months.february), new FlightLog(months.february)];
  onStep({ text: "of February replayed", total: months.february.length, done: () => whole.arrived });
  const replay = await timed(() => replayAll(flights.reader(february), whole));
  onStep({ text: "of February replayed in two halves", total: months.february.length, done: () => halves.arrived });
  await replayInTwoHalves(connect, names.flights, february, halves, months.february.length / 2);

  const row: DemoRow = {
    provider: connection.provider,
    messages: all.length,
    lost: handled.result.lost,
    outOfOrder: handled.result.log.outOfOrder,
    duplicates: handled.result.duplicates + failed.length - deadLetters.length,
    deadLetters: deadLetters.length,
    replayed: whole.arrived,
    replayExpected: months.february.length,
    rates: {
      publish: perSecond(all.length, publishSeconds),
      handle: perSecond(all.length, handled.seconds),
      replay: perSecond(whole.arrived, replay.seconds),
    },
    seconds: Math.round(performance.now() - startedAt) / 1_000,
  };
  const findings = {
    messages: all.length,
    handled: handled.result,
    storesAhead: connection.capabilities.handledAhead,
    deadLetters,
    replay: whole,
    halves,
  };
  return { row, checks: checksOf(findings) };
}

/** The start and end of February, by the provider's own clock. */
interface Range {
  readonly from: { readonly timestamp: number };
  readonly until: { readonly timestamp: number };
}

async function publishMonthByMonth(
  flights: Topic<Flight>,
  months: Months,
  onPulled: () => void,
): Promise<{ february: Range; seconds: number }> {
  const producer = flights.producer();
  function* messagesOf(month: readonly FlightLine[]): Generator<OutgoingMessage<Flight>> {
    for (const { line, flight } of month) {
      yield { value: flight, headers: { [LINE_HEADER]: String(line) } };
      onPulled();
    }
  }
  const publish = async (month: readonly FlightLine[]): Promise<number> =>
    (await timed(() => producer.sendStream(messagesOf(month)))).seconds;
  const januarySeconds = await publish(months.january);
  const from = { timestamp: await nextTime(flights) };
  const februarySeconds = await publish(months.february);
  const until = { timestamp: await nextTime(flights) };
  const marchSeconds = await publish(months.march);
  await producer.close();
  return { february: { from, until }, seconds: januarySeconds + februarySeconds + marchSeconds };
}

/** A time after every stored message and before every later one. */
async function nextTime(flights: Topic<Flight>): Promise<number> {
  let newest = 0;
  for await (const { timestamp } of flights.reader({ until: "now" })) newest = Math.max(newest, timestamp.getTime());
  await sleep(100);
  return newest + 1;
}

async function replayAll(reader: Reader<Flight>, log: FlightLog): Promise<void> {
  for await (const message of reader) log.add(message);
}

/** Stops half-way, keeps the bookmark, and continues on another connection, as another process would. */
async function replayInTwoHalves(connect: ConnectDemo, topic: string, range: Range, log: FlightLog, half: number): Promise<void> {
  const first = await connect();
  const reader = flightsTopic(first, topic).reader(range);
  // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
  await reader.bookmark();
  for await (const message of reader) {
    log.add(message);
    if (log.arrived >= half) break;
  }
  const bookmark = await reader.bookmark();
  await first.close();

  const second = await connect();
  await replayAll(flightsTopic(second, topic).reader({ from: { bookmark }, until: range.until }), log);
  await second.close();
}

async function linesIn(reader: Reader<Flight>): Promise<readonly number[]> {
  const lines: number[] = [];
  for await (const message of reader) lines.push(Number(message.headers[LINE_HEADER]));
  return lines;
}

/** A demo that failed half-way may not have created the topic. */
function ignoreMissing(error: unknown): void {
  if (!isStreamError(error, "not-found")) throw error;
}
