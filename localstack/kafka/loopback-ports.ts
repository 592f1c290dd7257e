import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, type Server, createServer } from "node:net";

/**
 * These ports are below the range from which systems take the ports of outgoing connections: while a broker is down between two
 * starts, no client must get its port by chance.
 */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;
const TRIES = 200;

/** Different ports of 127.0.0.1 on which nothing listens now. */
export async function freeLoopbackPorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    for (let tries = 0; held.length < count; tries += 1) {
      if (tries === TRIES + count) throw new Error(`found no ${count} free ports of 127.0.0.1 from ${LOWEST_PORT} to ${HIGHEST_PORT}`);
      const server = await listenOn(randomInt(LOWEST_PORT, HIGHEST_PORT));
      if (server !== undefined) held.push(server);
    }
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    for (const server of held) server.close();
    await Promise.all(held.map((server) => once(server, "close")));
  }
}

async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    // The port is taken. The next one will do.
    return undefined;
  }
}
