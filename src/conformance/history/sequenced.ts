import type { Codec } from "../../codec/codec.ts";
import { StreamError } from "../../errors.ts";
import { show } from "../assertions.ts";

/** The value of every message whose order is checked: it names its key and its number among the messages of that key. */
export interface Sequenced {
  readonly key: string;
  /** From 0, without gaps, in the order of the `send` calls of this key. */
  readonly sequence: number;
  /** The topic it was sent to, so that a message in the wrong topic is noticed. */
  readonly topic: string;
}

/** JSON, written here so that the suite depends on no codec of the core. */
export const sequencedCodec: Codec<Sequenced> = {
  encode: (value) => Buffer.from(JSON.stringify([value.topic, value.key, value.sequence])),
  decode: (bytes) => {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (Array.isArray(parsed)) {
      const [topic, key, sequence] = parsed as unknown[];
      if (typeof topic === "string" && typeof key === "string" && typeof sequence === "number") return { topic, key, sequence };
    }
    throw new StreamError("corrupt", "not a value of this suite");
  },
};

/** `count` keys. With enough of them, every partition has some. */
export function keyNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `key-${index}`);
}

export function showSequenced(value: Pick<Sequenced, "key" | "sequence">): string {
  return `${show(value.key)} #${value.sequence}`;
}
