import type { Socket } from "node:net";
import { FrameSplitter } from "./frame-splitter.ts";
import type { SaslSession } from "./sasl-session.ts";

/** Answers one request: the pieces of the answer, `null` for no answer, `"close"` to close the connection. */
export type AnswerRequest = (
  frame: Buffer,
  connection: ClientConnection,
) => readonly Uint8Array[] | null | "close" | Promise<readonly Uint8Array[] | null | "close">;

/** The connection of one client. Like Kafka, it answers the requests one after the other, in their order. */
export class ClientConnection {
  readonly session: SaslSession;
  readonly #socket: Socket;
  readonly #answer: AnswerRequest;
  readonly #gone = new AbortController();
  readonly #waiting: Buffer[] = [];
  #isBusy = false;

  constructor(socket: Socket, session: SaslSession, largestRequestBytes: number, answer: AnswerRequest) {
    this.#socket = socket;
    this.session = session;
    this.#answer = answer;
    const splitter = new FrameSplitter(largestRequestBytes, (frame) => {
      this.#waiting.push(frame);
    });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      if (splitter.push(chunk)) this.#work();
      else this.close();
    });
    // A client that disconnects is not an error.
    socket.on("error", () => this.close());
    socket.on("close", () => this.#gone.abort());
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get clientHost(): string {
    return `/${this.#socket.remoteAddress ?? ""}`;
  }

  close(): void {
    this.#waiting.length = 0;
    this.#socket.destroy();
    this.#gone.abort();
  }

  #work(): void {
    while (!this.#isBusy && !this.gone.aborted) {
      const frame = this.#waiting.shift();
      if (frame === undefined) return;
      const answer = this.#answered(frame);
      if (answer instanceof Promise) {
        this.#isBusy = true;
        void this.#sendLater(answer);
      } else this.#send(answer);
    }
  }

  #answered(frame: Buffer): ReturnType<AnswerRequest> {
    try {
      return this.#answer(frame, this);
    } catch (error) {
      this.#broken(error);
      return "close";
    }
  }

  /** A handler only rejects because of a defect, which must not end the process that runs the emulator. */
  async #sendLater(answer: Promise<readonly Uint8Array[] | null | "close">): Promise<void> {
    try {
      this.#send(await answer);
      this.#isBusy = false;
      this.#work();
    } catch (error) {
      this.#broken(error);
    }
  }

  #broken(error: unknown): void {
    process.emitWarning(`the emulated Kafka could not answer a request: ${error instanceof Error ? error.stack : String(error)}`);
    this.close();
  }

  #send(pieces: readonly Uint8Array[] | null | "close"): void {
    if (pieces === "close") this.close();
    if (pieces === null || pieces === "close" || this.gone.aborted) return;
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }
}
