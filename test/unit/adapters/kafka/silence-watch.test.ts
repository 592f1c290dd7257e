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
  /** The connection answers probes. */
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

/** Checks which connections are still open after an examination. */
async function expectOpen(
  connections: readonly FakeConnection[],
  expected: readonly boolean[],
  canBeReached?: (port: number) => boolean,
): Promise<void> {
  const watch = watchOver(connections, canBeReached);
  const open = (): readonly boolean[] => connections.map(({ isOpen }) => isOpen);
  // Connections that must stay open get time to be closed wrongly. The others may need more time on a busy machine.
  await sleep(2 * (SUSPECT_MS + PROBE_MS));
  await expect.poll(open, { timeout: 10_000 }).toEqual(expected);
  for (const connection of connections) watch.remove(connection);
}

test("after a late answer, if a new connection is answered: silent connections are closed, also idle ones, and an answering one stays", async () => {
  await expectOpen([new FakeConnection(1).ask(false), new FakeConnection(1).dead(), new FakeConnection(1)], [false, false, true]);
});

test("a server that answers no new connection either is slow: no connection is closed", async () => {
  await expectOpen([new FakeConnection(1).ask(false), new FakeConnection(1).dead()], [true, true], () => false);
});

test("a request with a long answer time does not make its connection dead while another connection to the server answers", async () => {
  const alive = new FakeConnection(1);
  await expectOpen([new FakeConnection(1).ask(true), alive], [true, true]);
  expect(alive.probes).toBeGreaterThan(0);
});

test("a request with a long answer time is closed with the other connections to its server, but not with those to another server", async () => {
  await expectOpen([new FakeConnection(1).ask(true), new FakeConnection(1).dead(), new FakeConnection(2).ask(true)], [false, false, true]);
});

test("when a request has timed out, the other connections are probed at once, even if their requests are recent", async () => {
  const [timedOut, writing, idle] = [new FakeConnection(1).ask(true), new FakeConnection(1).ask(true), new FakeConnection(1)];
  const watch = watchOver([timedOut, writing, idle]);
  watch.timedOut(timedOut);
  expect(idle.probes).toBe(1);
  await expect.poll(() => writing.isOpen, { timeout: 10_000 }).toBe(false);
  expect(idle.isOpen).toBe(true);
  for (const connection of [writing, idle]) watch.remove(connection);
});

test("a stopped process closes no connection that answers when the process continues", async () => {
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
