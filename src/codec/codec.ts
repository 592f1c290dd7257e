import type { Message } from "../message.ts";

export interface Codec<T, Input = T> {
  /** May add headers. A throw or rejection is `invalid-argument`: nothing is sent. Order is that of the `send` calls, however long it takes. */
  encode(value: Input, target: EncodingTarget): Uint8Array | Promise<Uint8Array>;
  /** A throw or rejection is `corrupt`: a failing message. `message` has the headers and the topic. */
  decode(bytes: Uint8Array, message: Message<Uint8Array>): T | Promise<T>;
}

export interface EncodingTarget {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Record<string, string>;
}

/** The part of https://standardschema.dev that is used. */
export interface StandardSchema<Input, Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}
