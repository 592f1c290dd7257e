import type { Codec } from "../../codec/codec.ts";
import { StreamError } from "../../errors.ts";
import { show } from "../assertions.ts";

/** The value of every message whose order matters: it says by itself which key it belongs to and which one of it it is. */
export interface Sequenced {
  readonly key: string;
  /** From 0, without gaps, in the order of the `send` calls of this key. */
  readonly sequence: number;
  /** The topic it was sent to, so that a message in the wrong place shows. */
  readonly topic: string;
}

/** As JSON, written out so that the suite depends on no codec of the core. */
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

/** `count` keys; enough of them to meet every partition. */
export function keyNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `key-${index}`);
}

export function showSequenced(value: Pick<Sequenced, "key" | "sequence">): string {
  return `${show(value.key)} #${value.sequence}`;
}
