import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { producerCallsMutant } from "./connection-parts.ts";
import { consumerMutant, sinkMutant } from "./driver-parts.ts";
import { type Mutant, connectionMutant, driverMutant } from "./mutant.ts";
import { override } from "./override.ts";

/** Longer than a case on its mutant may take. */
const LONG_MS = 5_000;
const RESOLVING_MS = 20;
const NEVER = new AbortController().signal;

/** Defects of what is left behind. */
export const resourceMutants: readonly Mutant[] = [
  driverMutant(
    "leaves-a-timer-behind",
    () => (driver) =>
      override(driver, {
        close: async () => {
          setTimeout(() => undefined, LONG_MS);
          await driver.close();
        },
      }),
  ),
  driverMutant("leaves-a-connection-that-was-being-opened", () => {
    const server = createServer((socket) => void socket.unref())
      .listen(0, "127.0.0.1")
      .unref();
    return (driver) => {
      const connected = new Set<Socket>();
      return override(driver, {
        admin: override(driver.admin, {
          describeTopic: async (topic, signal) => {
            // A name has to be resolved first, as on a real network. `close` ends only what is connected by then.
            setTimeout(() => {
              const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
              socket.once("connect", () => connected.add(socket));
              // Nobody else ends what the defect leaves behind.
              setTimeout(() => socket.destroy(), LONG_MS).unref();
            }, RESOLVING_MS);
            return driver.admin.describeTopic(topic, signal);
          },
        }),
        close: async () => {
          for (const socket of connected) socket.destroy();
          await driver.close();
        },
      });
    };
  }),
  producerCallsMutant("listens-for-ever", (producer) => ({
    send: async (message, options) => {
      options?.signal?.addEventListener("abort", () => undefined);
      return producer.send(message, options);
    },
  })),
  sinkMutant("piles-up-listeners", (sink) => {
    const life = new AbortController();
    return {
      deliver: async (assignment, records) => {
        life.signal.addEventListener("abort", () => undefined);
        return sink.deliver(assignment, records);
      },
    };
  }),
  connectionMutant("forgets-calls-at-close", () => (connection) => {
    let isClosed = false;
    return override(connection, {
      admin: override(connection.admin, {
        describeTopic: async (topic, options) => {
          await nextTurn();
          return isClosed ? new Promise<never>(() => undefined) : connection.admin.describeTopic(topic, options);
        },
      }),
      close: async (options) => {
        isClosed = true;
        await connection.close(options);
      },
    });
  }),
  consumerMutant("joins-after-it-was-closed", ({ consumer }) => {
    let hasJoined = false;
    return {
      start: async (sink) => {
        for (let turn = 0; turn < 3; turn += 1) await nextTurn();
        hasJoined = true;
        await consumer.start(sink, NEVER);
      },
      close: async () => {
        if (hasJoined) await consumer.close();
      },
    };
  }),
];
