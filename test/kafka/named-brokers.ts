import { type LookupFunction, type Socket, connect } from "node:net";

/** The answer of a resolver for a name. */
type NameAnswer = "found" | "ENOTFOUND" | "EAI_AGAIN";

/** Brokers on 127.0.0.1 with a host name that the resolver knows, or does not know at present. */
export class NamedBrokers {
  answer: NameAnswer = "found";
  /** The number of failed look-ups. */
  missed = 0;
  readonly #sockets = new Set<Socket>();

  /** The socket factory for kafkajs. */
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

  /** Closes all connections. The next ones look up the name again. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
