import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";

/** https://www.rfc-editor.org/rfc/rfc6455#section-1.3 */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** https://docs.oasis-open.org/amqp-bindmap/amqp-wsb/v1.0/amqp-wsb-v1.0.html */
const SUBPROTOCOL = "AMQPWSB10";

const Opcode = { continuation: 0x0, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The bytes of AMQP in the binary frames of a WebSocket, as a stream. */
export class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Duplex, head: Buffer) {
    super();
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.once("end", () => this.push(null));
    socket.once("close", () => this.destroy());
    socket.on("error", (error) => this.destroy(error));
    if (head.length > 0) this.#take(head);
  }

  /** Answers the request of a client to change the protocol. @returns `null` where it asks for another one; then it is refused */
  static accept({ headers, url }: IncomingMessage, socket: Duplex, head: Buffer): WebSocketStream | null {
    const key = headers["sec-websocket-key"];
    const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
    if (key === undefined || !protocols.includes(SUBPROTOCOL) || !/^\/\$servicebus\/websocket\/?(?:\?|$)/i.test(url ?? "")) {
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      return null;
    }
    const accept = createHash("sha1").update(`${key}${ACCEPT_SUFFIX}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
    return new WebSocketStream(socket, head);
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    for (let frame = this.#nextFrame(); frame !== null; frame = this.#nextFrame()) this.#handle(frame);
  }

  #nextFrame(): Frame | null {
    const bytes = this.#received;
    if (bytes.length < 2) return null;
    const short = bytes[1]! & 0x7f;
    const isMasked = (bytes[1]! & 0x80) !== 0;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = 2 + lengthBytes + (isMasked ? 4 : 0);
    if (bytes.length < start) return null;
    const length = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return null;
    const payload = Buffer.from(bytes.subarray(start, start + length));
    if (isMasked) for (let index = 0; index < length; index += 1) payload[index]! ^= bytes[start - 4 + (index & 3)]!;
    this.#received = bytes.subarray(start + length);
    return { opcode: bytes[0]! & 0x0f, payload };
  }

  #handle({ opcode, payload }: Frame): void {
    if (opcode === Opcode.binary || opcode === Opcode.continuation) this.push(payload);
    else if (opcode === Opcode.ping) this.#socket.write(encoded(Opcode.pong, payload));
    else if (opcode === Opcode.close) {
      this.#socket.end(encoded(Opcode.close, payload));
      this.push(null);
    }
  }

  override _read(): void {
    // The socket pushes; AMQP has flow control of its own.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(encoded(Opcode.binary, bytes), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(encoded(Opcode.close, Buffer.from([0x03, 0xe8])));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

function encoded(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = 0x80 | opcode;
  head[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}
