import type { ServiceDefinition } from "@grpc/grpc-js";
import type { PubSubLibrary } from "../library.ts";
import type { Refusal } from "../refusal.ts";
import { pubSubDescriptor } from "./descriptor.ts";
import { SERVICE_LAYOUTS } from "./layouts.ts";
import type { MessageCodec } from "./message-codec.ts";
import type { PubsubMessage } from "./messages.ts";

/** A request, and its size as it came. */
export interface Received<Request> {
  readonly request: Request;
  readonly bytes: number;
}

interface Codec {
  serialize(message: object): Buffer;
  deserialize(bytes: Buffer): object;
}

const DOMAIN = "pubsub.googleapis.com";
const REASON = "EXACTLY_ONCE_ACKID_FAILURE";

/** How messages look on the wire. */
export class Encoding implements MessageCodec {
  /** By complete names. Requests arrive as `Received`. */
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  readonly #codecs: Readonly<Record<string, Codec>>;

  constructor({ protoLoader }: PubSubLibrary) {
    const definitions = protoLoader.fromJSON(pubSubDescriptor() as Parameters<typeof protoLoader.fromJSON>[0], {
      longs: Number,
      defaults: true,
    });
    this.#codecs = definitions as unknown as Readonly<Record<string, Codec>>;
    this.services = Object.fromEntries(
      Object.keys(SERVICE_LAYOUTS).map((name) => [name, withSizes(definitions[name] as ServiceDefinition)]),
    );
  }

  encode(message: PubsubMessage): Buffer {
    return this.#codec("google.pubsub.v1.PubsubMessage").serialize(message);
  }

  decode(bytes: Buffer): PubsubMessage {
    return this.#codec("google.pubsub.v1.PubsubMessage").deserialize(bytes) as PubsubMessage;
  }

  /** The details of a status, for the metadata `grpc-status-details-bin`: https://cloud.google.com/apis/design/errors#error_model. */
  statusDetails({ code, message, ackFailures }: Refusal): Buffer {
    const info = { reason: REASON, domain: DOMAIN, metadata: Object.fromEntries(ackFailures) };
    const value = this.#codec("google.rpc.ErrorInfo").serialize(info);
    const details = [{ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value }];
    return this.#codec("google.rpc.Status").serialize({ code, message, details });
  }

  #codec(name: string): Codec {
    return this.#codecs[name]!;
  }
}

function withSizes(service: ServiceDefinition): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => {
      const requestDeserialize = (bytes: Buffer): Received<unknown> => ({ request: method.requestDeserialize(bytes), bytes: bytes.length });
      return [name, { ...method, requestDeserialize }];
    }),
  );
}
