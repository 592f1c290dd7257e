import { isUtf8 } from "node:buffer";
import { styleText } from "node:util";
import type { Message } from "../../message.ts";
import { decodePosition } from "../../position/position.ts";

type PlainMessage = Message<Uint8Array | null>;

/** A longer value would fill the screen several times; `--json` prints all of it. */
const LONGEST_VALUE = 2_000;
/** A longer key moves the later columns of its own line to the right. */
const WIDEST_KEY = 24;
const LONGEST_POSITION = 20;
const OFFSET = /^\d{1,19}$/;

/** Characters that move the cursor, or change colours or the direction of writing: a value must not change the terminal. Lone surrogates stand for bytes that are not text. */
const NOT_PRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

interface Row {
  readonly partition: string;
  readonly place: string;
  readonly time: string;
  readonly key: string | null;
  readonly value: string;
  readonly headers: string;
}

/** Messages for people, one line for each: partition, the provider's own offset, time, key, value, headers. Programs read `MessageLines`. */
export class MessageRows {
  readonly #stream: NodeJS.WriteStream;
  #hasHeading = false;
  #partitionWidth = "partition".length;
  #placeWidth = "position".length;
  #keyWidth = "key".length;

  /** @param stream decides whether colours are used */
  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  of(messages: readonly PlainMessage[]): string {
    const rows = messages.map(({ partition, position, timestamp, key, value, headers }): Row => {
      const extra = Object.entries(headers).map(([name, text]) => `${printable(name)}=${printable(text)}`);
      return {
        partition: printable(partition),
        place: placeOf(position),
        time: timestamp.toISOString(),
        key: key === null ? null : printable(key),
        value: this.#valueCell(value),
        headers: extra.length === 0 ? "" : this.#painted("gray", `{${extra.join(", ")}}`),
      };
    });
    for (const { partition, place, key } of rows) {
      this.#partitionWidth = Math.max(this.#partitionWidth, partition.length);
      this.#placeWidth = Math.max(this.#placeWidth, place.length);
      this.#keyWidth = Math.min(WIDEST_KEY, Math.max(this.#keyWidth, key?.length ?? 0));
    }
    return this.#heading(rows[0]) + rows.map((row) => this.#line(row)).join("");
  }

  #line({ partition, place, time, key, value, headers }: Row): string {
    const cells = [
      this.#painted("cyan", partition.padStart(this.#partitionWidth)),
      this.#painted("gray", place.padStart(this.#placeWidth)),
      this.#painted("gray", time),
      this.#painted(key === null ? "gray" : "yellow", (key ?? "-").padEnd(this.#keyWidth)),
      value,
      ...(headers === "" ? [] : [headers]),
    ];
    return `${cells.join("  ")}\n`;
  }

  #heading(first: Row | undefined): string {
    if (this.#hasHeading || first === undefined) return "";
    this.#hasHeading = true;
    const names = [
      "partition".padStart(this.#partitionWidth),
      (OFFSET.test(first.place) ? "offset" : "position").padStart(this.#placeWidth),
      "time".padEnd(first.time.length),
      "key".padEnd(this.#keyWidth),
      "value",
    ];
    return `${this.#painted("bold", names.join("  "))}\n`;
  }

  #valueCell(value: Uint8Array | null): string {
    if (value === null) return this.#painted("gray", "(tombstone)");
    if (value.length === 0) return this.#painted("gray", "(empty)");
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const size = `${value.length.toLocaleString("en")} bytes`;
    if (!isUtf8(bytes))
      return `${this.#painted("gray", `(${size}, base64)`)} ${this.#cut(bytes.subarray(0, LONGEST_VALUE).toString("base64"), size)}`;
    // Only the shown part of a long value is decoded.
    return this.#cut(printable(bytes.subarray(0, 4 * LONGEST_VALUE).toString("utf8")), size);
  }

  #cut(text: string, size: string): string {
    if (text.length <= LONGEST_VALUE) return text;
    return `${text.slice(0, LONGEST_VALUE).toWellFormed()} ${this.#painted("gray", `… (${size}; --json prints all)`)}`;
  }

  #painted(format: Parameters<typeof styleText>[0], text: string): string {
    return styleText(format, text, { stream: this.#stream });
  }
}

/** The offset or position of the provider; only the end of a long one, because neighbours differ there. */
function placeOf(position: string): string {
  const own = printable(decodePosition(position).position);
  return own.length <= LONGEST_POSITION ? own : `…${own.slice(1 - LONGEST_POSITION)}`;
}

function printable(text: string): string {
  return text.replace(NOT_PRINTABLE, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : escaped;
  });
}
