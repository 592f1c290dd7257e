import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { SilenceWatch, type Unanswered, type WatchedConnection } from "../../../../adapters/kafka/client/silence-watch.ts";
import type { Report } from "../../../../src/driver/index.ts";

const SUSPECT_MS = 200;
const PROBE_MS = 100;
const silent: Report = Object.assign(() => undefined, { wants: () => false });

class FakeConnection implements WatchedConnection {
  readonly address: { readonly host: string; readonly port: number };
  readonly peer: string;
  isOpen = true;
  bytesRead = 0;
  oldest: Unanswered | undefined;
  /** Answers probes. */
  isAlive = true;
  probes = 0;

  constructor(port: number) {
    this.address = { host: "127.0.0.1", port };
    this.peer = String(port);
  }

  ask(isPatient: boolean): this {
    this.oldest = { sentAtMs: performance.now(), waitMs: 0, isPatient };
    return this;
  }

  dead(): this {
    this.isAlive = false;
    return this;
  }

  probe(): void {
    this.probes += 1;
    if (this.isAlive) this.bytesRead += 1;
    else this.ask(false);
  }

  abandon(): void {
    this.isOpen = false;
  }
}

function watchOver(connections: readonly FakeConnection[], canBeReached: (port: number) => boolean = () => true): SilenceWatch {
  const watch = new SilenceWatch({
    suspectMs: SUSPECT_MS,
    probeMs: PROBE_MS,
    report: silent,
    reach: ({ port }) => (canBeReached(port) ? Promise.resolve() : Promise.reject(new Error("refused"))),
  });
  for (const connection of connections) watch.add(connection);
  return watch;
}

/** Which of them are still open when an examination is over. */
async function expectOpen(
  connections: readonly FakeConnection[],
  expected: readonly boolean[],
  canBeReached?: (port: number) => boolean,
): Promise<void> {
  const watch = watchOver(connections, canBeReached);
  const open = (): readonly boolean[] => connections.map(({ isOpen }) => isOpen);
  // What is to stay is given time to go; what is to go may take longer on a busy machine.
  await sleep(2 * (SUSPECT_MS + PROBE_MS));
  await expect.poll(open, { timeout: 10_000 }).toEqual(expected);
  for (const connection of connections) watch.remove(connection);
}

test("a late answer, and a new connection that is answered: the silent ones are given up, idle ones too, and the one that speaks stays", async () => {
  await expectOpen([new FakeConnection(1).ask(false), new FakeConnection(1).dead(), new FakeConnection(1)], [false, false, true]);
});

test("a server that answers no new connection either is slow: nothing is given up", async () => {
  await expectOpen([new FakeConnection(1).ask(false), new FakeConnection(1).dead()], [true, true], () => false);
});

test("a request that may take its time is not taken for dead while another connection to the server answers", async () => {
  const alive = new FakeConnection(1);
  await expectOpen([new FakeConnection(1).ask(true), alive], [true, true]);
  expect(alive.probes).toBeGreaterThan(0);
});

test("a request that may take its time is given up with the others of its server, and of no other server", async () => {
  await expectOpen([new FakeConnection(1).ask(true), new FakeConnection(1).dead(), new FakeConnection(2).ask(true)], [false, false, true]);
});

test("when a request has timed out the others are asked at once, however young theirs are", async () => {
  const [timedOut, writing, idle] = [new FakeConnection(1).ask(true), new FakeConnection(1).ask(true), new FakeConnection(1)];
  const watch = watchOver([timedOut, writing, idle]);
  watch.timedOut(timedOut);
  expect(idle.probes).toBe(1);
  await expect.poll(() => writing.isOpen, { timeout: 10_000 }).toBe(false);
  expect(idle.isOpen).toBe(true);
  for (const connection of [writing, idle]) watch.remove(connection);
});

test("a process that stood still takes nothing for dead that speaks when it goes on", async () => {
  const late = new FakeConnection(1).ask(false);
  const watch = watchOver([late]);
  const until = performance.now() + 3 * (SUSPECT_MS + PROBE_MS);
  while (performance.now() < until);
  await sleep(SUSPECT_MS / 2);
  late.bytesRead += 1;
  late.oldest = undefined;
  await sleep(SUSPECT_MS + PROBE_MS);
  expect(late.isOpen).toBe(true);
  watch.remove(late);
});
