import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { ServiceClock } from "../service-clock.ts";
import { invalidParameter } from "../server/service-error.ts";

/** Where a cursor stands. */
export interface CursorPlace {
  readonly streamId: string;
  /** The offset from which it reads on, by partition. A cursor without a group has one partition. */
  readonly places: ReadonlyMap<string, bigint>;
  readonly group: GroupOfCursor | null;
  /** Nothing that was stored before is read, whatever comes later: of AT_TIME. */
  readonly fromMs: number | null;
}

interface GroupOfCursor {
  readonly name: string;
  readonly instance: string;
  readonly timeoutInMs: number;
  readonly commitOnGet: boolean;
}

type SealedCursor = [
  streamId: string,
  issuedAtMs: number,
  places: [partition: string, next: string][],
  group: GroupOfCursor | null,
  fromMs: number | null,
];

const ALGORITHM = "aes-128-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Makes and reads cursors. Like the real ones they are opaque, and hold `+`, `/` and `=`: nothing is kept for them on the server, and
 * only it can make them. The texts of the refusals are those that clients have met.
 */
export class Cursors {
  readonly #key = randomBytes(16);
  readonly #clock: ServiceClock;
  readonly #lifetimeMs: number;

  constructor(clock: ServiceClock, lifetimeMs: number) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  create({ streamId, places, group, fromMs }: CursorPlace): string {
    const content = [streamId, this.#clock.nowMs, [...places].map(([partition, next]) => [partition, String(next)]), group, fromMs];
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, iv);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64");
  }

  /** @throws `ServiceError` for a cursor of another stream or service, and an expired one */
  read(cursor: string, streamId: string): CursorPlace {
    const opened = this.#open(cursor);
    if (opened === null || opened.place.streamId !== streamId) throw invalidParameter("The cursor is invalid. Create a new one.");
    if (this.#clock.nowMs - opened.issuedAtMs > this.#lifetimeMs) throw cursorExpired();
    return opened.place;
  }

  /** Without its checks, for faults. */
  peek(cursor: string): CursorPlace | null {
    return this.#open(cursor)?.place ?? null;
  }

  #open(cursor: string): { readonly place: CursorPlace; readonly issuedAtMs: number } | null {
    const bytes = Buffer.from(cursor, "base64");
    try {
      const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(0, IV_BYTES));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
      const [streamId, issuedAtMs, places, group, fromMs] = JSON.parse(text) as SealedCursor;
      return {
        place: { streamId, places: new Map(places.map(([partition, next]) => [partition, BigInt(next)])), group, fromMs },
        issuedAtMs,
      };
    } catch {
      // A cursor that was cut, changed, or made by something else.
      return null;
    }
  }
}

function cursorExpired(): ReturnType<typeof invalidParameter> {
  return invalidParameter("The cursor is expired. Create a new one.");
}
