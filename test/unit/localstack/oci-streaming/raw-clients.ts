import { ConfigFileAuthenticationDetailsProvider, DefaultRequestSigner, NoRetryConfigurationDetails } from "oci-common";
import { StreamAdminClient, StreamClient } from "oci-streaming";
import type { EmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";

/** The unmodified SDK, as its documentation says to use it; without retries, so that a test sees each answer. */
export class RawClients implements Disposable {
  readonly admin: StreamAdminClient;
  readonly messages: StreamClient;
  readonly #signer: DefaultRequestSigner;
  readonly #emulator: EmulatedOciStreaming;

  constructor(emulator: EmulatedOciStreaming, profile = "DEFAULT") {
    this.#emulator = emulator;
    const provider = new ConfigFileAuthenticationDetailsProvider(emulator.configFile, profile);
    const configuration = { retryConfiguration: NoRetryConfigurationDetails };
    this.admin = new StreamAdminClient({ authenticationDetailsProvider: provider }, configuration);
    this.admin.endpoint = emulator.endpoint;
    this.messages = new StreamClient({ authenticationDetailsProvider: provider }, configuration);
    this.messages.endpoint = emulator.messagesEndpoint;
    this.#signer = new DefaultRequestSigner(provider);
  }

  /** A request to Object Storage, as the SDK of Object Storage sends it. */
  async objects(
    method: string,
    path: string,
    { query = "", ...rest }: SignedRequest & { readonly query?: string } = {},
  ): Promise<RawAnswer> {
    const uri = `${this.#emulator.endpoint}/n/${this.#emulator.leases.namespace}/b/${path}${query}`;
    return this.send(method, uri, { leaveBodyUnsigned: method === "PUT", ...rest });
  }

  /** A signed request. */
  async send(
    method: string,
    uri: string,
    { body, headers = {}, leaveBodyUnsigned = false, change }: SignedRequest = {},
  ): Promise<RawAnswer> {
    const request = { method, uri, headers: new Headers(headers), body };
    await this.#signer.signHttpRequest(request as Parameters<DefaultRequestSigner["signHttpRequest"]>[0], leaveBodyUnsigned);
    change?.(request);
    const response = await fetch(request.uri, { method, headers: request.headers, body: request.body ?? null });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** The id of the stream of a topic that exists. */
  async streamId(topic: string): Promise<string> {
    const { items } = await this.admin.listStreams({ streamPoolId: this.#emulator.streamPool, name: topic, lifecycleState: "ACTIVE" });
    return items[0]!.id;
  }

  async put(streamId: string, messages: readonly (readonly [key: string | null, value: string])[]): Promise<PutResult> {
    return this.putEncoded(
      streamId,
      messages.map(([key, value]) => ({ ...(key === null ? {} : { key: base64(key) }), value: base64(value) })),
    );
  }

  async putEncoded(streamId: string, messages: { readonly key?: string; readonly value: string }[]): Promise<PutResult> {
    const { putMessagesResult } = await this.messages.putMessages({ streamId, putMessagesDetails: { messages } });
    return putMessagesResult as unknown as PutResult;
  }

  async cursor(streamId: string, partition: string, type: string, rest: { offset?: number; time?: Date } = {}): Promise<string> {
    const createCursorDetails = { partition, type: type as never, ...rest };
    return (await this.messages.createCursor({ streamId, createCursorDetails })).cursor.value;
  }

  async get(streamId: string, cursor: string, limit?: number): Promise<Page> {
    const response = await this.messages.getMessages({ streamId, cursor, ...(limit === undefined ? {} : { limit }) });
    const items = response.items as unknown as StoredItem[];
    return { items, values: items.map(({ value }) => Buffer.from(value, "base64").toString()), next: response.opcNextCursor };
  }

  [Symbol.dispose](): void {
    this.admin.close();
    this.messages.close();
  }
}

interface SignedRequest {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly leaveBodyUnsigned?: boolean;
  /** Changes the request once it is signed. */
  readonly change?: (request: { uri: string; headers: Headers; body?: string | undefined }) => void;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface PutResult {
  readonly failures: number;
  readonly entries: readonly {
    readonly partition: string | null;
    readonly offset: number | null;
    readonly timestamp: string | null;
    readonly error: string | null;
    readonly errorMessage: string | null;
  }[];
}

interface StoredItem {
  readonly stream: string;
  readonly partition: string;
  readonly key: string | null;
  readonly value: string;
  readonly offset: number;
  readonly timestamp: string;
}

export interface Page {
  readonly items: readonly StoredItem[];
  readonly values: readonly string[];
  readonly next: string;
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
