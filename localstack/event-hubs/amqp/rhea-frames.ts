import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import type { Connection, Session } from "rhea";

/** A frame of rhea, as far as it is needed here. */
interface Performative {
  readonly constructor: { readonly descriptor: { readonly numeric: number } };
  readonly value: { length: number };
}

/** How many fields each performative has: http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#section-performatives */
const FIELDS: Readonly<Record<number, number>> = {
  0x10: 10, // open
  0x11: 8, // begin
  0x12: 14, // attach
  0x13: 11, // flow
  0x14: 11, // transfer
  0x15: 6, // disposition
  0x16: 3, // detach
  0x17: 1, // end
  0x18: 1, // close
};

/** In the place of format 0: rhea decodes plain messages, and forgets their types. With this mark it hands over the bytes. */
export const PLAIN_MESSAGE = 0x7fffffff;

/**
 * Makes a connection of rhea write and read frames as the service does: with all their fields, also empty ones at the end, because the
 * client of Python relies on that; and with messages as they were sent. The frames of one turn are sent together: a client that gets the
 * answer to its link before the credit for it waits for a second.
 */
export function keepWholeFrames(connection: Connection, stream: Duplex): void {
  const write = connection["_write_frame"] as (channel: number, frame: Performative | undefined, payload: unknown) => void;
  connection["_write_frame"] = (channel: number, frame: Performative | undefined, payload: unknown): void => {
    const fields = frame === undefined ? 0 : (FIELDS[frame.constructor.descriptor.numeric] ?? 0);
    if (frame !== undefined && frame.value.length < fields) frame.value.length = fields;
    if (stream.writableCorked === 0) {
      stream.cork();
      nextTick(() => stream.uncork());
    }
    write.call(connection, channel, frame, payload);
  };
  const receive = connection["on_transfer"] as (frame: unknown) => void;
  connection["on_transfer"] = (frame: { readonly performative: { message_format: number | null } }): void => {
    if (frame.performative.message_format === 0) frame.performative.message_format = PLAIN_MESSAGE;
    receive.call(connection, frame);
  };
}

const HIGHEST_HANDLE = 255;

/** The client of Python knows no default for this field. To be called before the session is answered. */
export function limitHandles(session: Session): void {
  const { local } = session as unknown as { readonly local: { readonly begin: { handle_max: number } } };
  local.begin.handle_max = HIGHEST_HANDLE;
}

/** An error with all its fields. */
export function wholeError(condition: string, description: string): { condition: string; description: string } {
  return { condition, description, info: undefined } as { condition: string; description: string };
}
