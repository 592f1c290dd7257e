/** What a request is for. Each purpose has its own sockets, so that stalled reads hold up no publish, and neither of both a lease. */
export type Purpose = "read" | "put" | "control";

/** The part of the SDK's transport that is used here. */
export interface HttpHandler {
  readonly metadata?: { readonly handlerProtocol: string } | undefined;
  handle(request: HttpRequest, options?: object): Promise<unknown>;
  destroy?(): void;
}

export interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
}

const READS: ReadonlySet<string> = new Set(["GetRecords", "GetShardIterator"]);
const PUTS: ReadonlySet<string> = new Set(["PutRecords", "PutRecord"]);

/** Sends each request by the handler of its purpose, which the service's own header of the request names. */
export class PurposeHandler implements HttpHandler {
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #handlers: Readonly<Record<Purpose, HttpHandler>>;

  constructor(handlers: Readonly<Record<Purpose, HttpHandler>>) {
    this.#handlers = handlers;
  }

  handle(request: HttpRequest, options?: object): Promise<unknown> {
    return this.#handlers[purposeOf(request.headers)].handle(request, options);
  }

  /** The SDK offers its own settings by these two; the handlers have theirs. */
  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): object {
    return {};
  }

  destroy(): void {
    for (const handler of Object.values(this.#handlers)) handler.destroy?.();
  }
}

/** `Kinesis_20131202.PutRecords` */
function purposeOf(headers: HttpRequest["headers"]): Purpose {
  const target = headers["x-amz-target"] ?? headers["X-Amz-Target"] ?? "";
  const operation = target.slice(target.indexOf(".") + 1);
  return READS.has(operation) ? "read" : PUTS.has(operation) ? "put" : "control";
}
