import { type LookupFunction, type Socket, connect } from "node:net";

/** What a resolver says of a name. */
type NameAnswer = "found" | "ENOTFOUND" | "EAI_AGAIN";

/** Brokers of 127.0.0.1 as if they were known by a name that a resolver has, or has not at present. */
export class NamedBrokers {
  answer: NameAnswer = "found";
  /** How often a name was not found. */
  missed = 0;
  readonly #sockets = new Set<Socket>();

  /** For kafkajs. */
  readonly socketFactory = ({ port, onConnect }: { readonly port: number; readonly onConnect: () => void }): Socket => {
    const socket = connect({ host: "broker.example", port, lookup: this.#lookup }, onConnect);
    this.#sockets.add(socket);
    return socket.once("close", () => this.#sockets.delete(socket));
  };

  readonly #lookup: LookupFunction = (host, { all }, callback) => {
    const { answer } = this;
    if (answer !== "found") {
      this.missed += 1;
      callback(Object.assign(new Error(`getaddrinfo ${answer} ${host}`), { code: answer, syscall: "getaddrinfo", hostname: host }), []);
    } else if (all === true) callback(null, [{ address: "127.0.0.1", family: 4 }]);
    else callback(null, "127.0.0.1", 4);
  };

  /** All connections break: the next ones are by name again. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
