import { performance } from "node:perf_hooks";
import { abortable } from "./abortable.ts";
import { createAdmin } from "./admin/admin.ts";
import type { Admin } from "./admin/admin-types.ts";
import { type CallOptions, type CloseOptions, closeTimeoutMs } from "./call-options.ts";
import type { Capabilities, Capability } from "./capabilities.ts";
import { type ConnectionInspection, createInspection } from "./connection-inspection.ts";
import type { Closable, ConnectionServices } from "./connection-services.ts";
import type { Connection, Health } from "./connection-types.ts";
import type { Driver, ProviderDriver } from "./driver/provider-driver.ts";
import { StreamError, withContext } from "./errors.ts";
import { checkedGroupName } from "./group-name.ts";
import { checkOptions, rules } from "./option-rules.ts";
import { RETRY_CALLS_FOR_MS } from "./retried-call.ts";
import { createTopic } from "./topic.ts";
import { checkedTopicName } from "./topic-name.ts";
import type { OrTombstone, Topic, TopicOptions } from "./topic-types.ts";

/** The provider's own names, by the name in the code. */
export interface NativeNames {
  readonly topics: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, string>>;
}

/** The operations that the handlers of a draining consumer may still start. */
const ALLOWED_WHILE_DRAINING: ReadonlySet<string> = new Set(["topic", "send"]);

/**
 * The connection of every provider: it closes its driver once, and refuses every call after that. It owns what outlives a producer,
 * consumer or reader: names, error context, and the order in which things close.
 */
export class OpenConnection<Granted extends Capability> implements Connection<Granted> {
  readonly provider: string;
  readonly capabilities: Capabilities & { readonly [C in Granted]: true };
  readonly admin: Admin<Granted>;
  readonly #services: ConnectionServices;
  readonly #inspection: ConnectionInspection;
  readonly #driver: ProviderDriver;
  readonly #parts = new Set<Closable>();
  readonly #life = new AbortController();
  /** `draining`: consumers are finishing, and their handlers may still send. */
  #state: "open" | "draining" | "closed" = "open";
  #closing: Promise<void> | undefined;
  #retryForMs = RETRY_CALLS_FOR_MS;

  /** @param driver what is asked which names the provider takes. @param opened what its `open` returned */
  constructor(driver: Pick<Driver, "refuseTopicName" | "refuseGroupName">, opened: ProviderDriver, names: NativeNames) {
    const { provider } = opened;
    this.#driver = opened;
    this.provider = provider;
    this.capabilities = Object.freeze({ ...opened.capabilities, limits: Object.freeze({ ...opened.capabilities.limits }) }) as never;
    const nativeTopic = (topic: string): string => given(names.topics, topic) ?? topic;
    const nativeGroup = (group: string): string | undefined => given(names.groups, group);
    this.#services = {
      driver: opened,
      provider,
      capabilities: this.capabilities,
      nativeTopic,
      checkedNativeTopic: (topic) => checkedTopicName(provider, driver, topic, nativeTopic),
      topicName: (nativeName) => reverse(names.topics, nativeName),
      checkedGroup: (group) => checkedGroupName(provider, driver, group, nativeGroup),
      nativeGroup,
      groupName: (nativeName) => reverse(names.groups, nativeName),
      requireOpen: (operation) => this.#requireOpen(operation),
      requireCapability: (capability, operation, topic) => this.#requireCapability(capability, operation, topic),
      retryForMs: () => this.#retryForMs,
      toError: (error, where) => {
        const known = error instanceof StreamError ? error : opened.classify(error);
        return withContext(known, { ...where, provider });
      },
      closing: this.#life.signal,
      track: (part) => {
        this.#parts.add(part);
        return () => void this.#parts.delete(part);
      },
    };
    this.admin = createAdmin<Granted>(this.#services);
    this.#inspection = createInspection(this.#services, () => {
      this.#retryForMs = 0;
    });
  }

  /** For the command line and migrations. @throws `invalid-argument` for a connection that `connect` has not made */
  static inspectionOf(connection: Connection): ConnectionInspection {
    if (#inspection in connection) return connection.#inspection;
    throw new StreamError("invalid-argument", "only a connection that connect has made can be inspected");
  }

  topic<T, Input = T, Tombstones extends boolean = false>(
    name: string,
    options: TopicOptions<T, Input, Tombstones>,
  ): Topic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>> {
    this.#requireOpen("topic");
    return createTopic(this.#services, name, options);
  }

  async check(options: CallOptions = {}): Promise<Health> {
    checkOptions("call options", options, { signal: rules.abortSignal });
    options.signal?.throwIfAborted();
    const started = performance.now();
    let error: StreamError | null = null;
    try {
      this.#requireOpen("check");
      const signal = options.signal === undefined ? this.#life.signal : AbortSignal.any([options.signal, this.#life.signal]);
      await abortable(this.#driver.check(signal), signal);
    } catch (cause) {
      options.signal?.throwIfAborted();
      error = this.#services.toError(cause, { operation: "check" });
    }
    return { ok: error === null, latencyMs: performance.now() - started, error };
  }

  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(closeTimeoutMs(options));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#state = "draining";
    const deadline = performance.now() + timeoutMs;
    for (const stage of ["consumer", "producer", "reader"] as const) {
      if (stage !== "consumer") this.#state = "closed";
      const parts = [...this.#parts].filter((part) => part.stage === stage);
      await Promise.all(parts.map((part) => part.close({ timeoutMs: Math.max(0, deadline - performance.now()) })));
    }
    // What the driver answers to calls that its end cuts off is an accident of its client.
    this.#life.abort(new StreamError("closed", "this connection was closed during the call", { provider: this.provider }));
    await this.#driver.close();
  }

  /** Sending is allowed while consumers drain; everything else is refused as soon as `close` is called. */
  #requireOpen(operation: string): void {
    if (this.#state === "open" || (this.#state === "draining" && ALLOWED_WHILE_DRAINING.has(operation))) return;
    throw new StreamError("closed", "this connection is closed", { provider: this.provider, operation });
  }

  #requireCapability(capability: Capability, operation: string, topic: string | undefined): void {
    if (this.capabilities[capability]) return;
    const advice = this.#driver.adviceWithout?.(capability) ?? null;
    const text = `${this.provider} does not have the capability ${capability}, which ${operation} needs here`;
    throw new StreamError("unsupported", advice === null ? text : `${text}: ${advice}`, {
      provider: this.provider,
      operation,
      capability,
      topic,
    });
  }
}

function given(names: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}

function reverse(names: Readonly<Record<string, string>>, nativeName: string): string | undefined {
  return Object.keys(names).find((name) => names[name] === nativeName);
}
