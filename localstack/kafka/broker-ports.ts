import { freeLoopbackPorts } from "./loopback-ports.ts";
import { CLIENT_LISTENERS, type KafkaBrokerPorts, type KafkaListener } from "./server-properties.ts";

export type BrokerPorts = KafkaBrokerPorts & { readonly clientPorts: { readonly PLAINTEXT: number } };

/** Free ports for the listeners of so many brokers, which keep them over restarts. */
export async function brokerPorts(brokers: number, security: boolean): Promise<readonly BrokerPorts[]> {
  const secured: readonly KafkaListener[] = security ? CLIENT_LISTENERS.filter((name) => name !== "PLAINTEXT") : [];
  const free = [...(await freeLoopbackPorts(brokers * (2 + secured.length)))];
  const next = (): number => {
    const port = free.pop();
    if (port === undefined) throw new Error("fewer ports were found than the brokers have listeners");
    return port;
  };
  return Array.from({ length: brokers }, (_, index) => ({
    nodeId: index + 1,
    controllerPort: next(),
    clientPorts: { PLAINTEXT: next(), ...Object.fromEntries(secured.map((name) => [name, next()])) },
  }));
}
