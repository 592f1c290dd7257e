import { performance } from "node:perf_hooks";
import { abortable, neverAborted } from "./abortable.ts";
import { createAdmin } from "./admin/admin.ts";
import type { AdminServices } from "./admin/admin-services.ts";
import type { Admin } from "./admin/admin-types.ts";
import { type ListedGroups, listedGroups, planReset } from "./admin/group-admin.ts";
import { type CallOptions, type CloseOptions, closeTimeoutMs } from "./call-options.ts";
import type { Capabilities, Capability } from "./capabilities.ts";
import type { Connection, Health } from "./connection-types.ts";
import type { Permission } from "./driver/permission.ts";
import type { ProviderDriver, ReachedPart } from "./driver/provider-driver.ts";
import { createReport } from "./driver-report.ts";
import { StreamError, type StreamErrorDetails, withContext } from "./errors.ts";
import { checkOptions, rules } from "./option-rules.ts";
import type { PartitionPlace } from "./position/place.ts";
import type { From } from "./position/range-types.ts";
import { CALL_PATIENCE_MS } from "./retried-call.ts";
import { createTopic } from "./topic.ts";
import type { Closable } from "./topic-context.ts";
import { checkedTopicName } from "./topic-name.ts";
import type { OrTombstone, Topic, TopicOptions } from "./topic-types.ts";

/** The provider's own names, by the name in the code. */
export interface NativeNames {
  readonly topics: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, string>>;
}

/** What the handlers of a draining consumer may still begin. */
const ALLOWED_WHILE_DRAINING: ReadonlySet<string> = new Set(["topic", "send"]);

/**
 * The one shell around every driver: opened once, closed once, refused after that. It owns what outlives a producer,
 * consumer or reader: names, error context, and the order in which things close.
 */
export class OpenConnection<Granted extends Capability> implements Connection<Granted> {
  readonly provider: string;
  readonly capabilities: Capabilities & { readonly [C in Granted]: true };
  readonly admin: Admin<Granted>;
  readonly #administration: AdminServices;
  readonly #driver: ProviderDriver;
  readonly #names: NativeNames;
  readonly #parts = new Set<Closable>();
  /** `draining`: consumers are finishing, and their handlers may still send. */
  #state: "open" | "draining" | "closed" = "open";
  #closing: Promise<void> | undefined;
  #callPatienceMs = CALL_PATIENCE_MS;

  constructor(driver: ProviderDriver, names: NativeNames) {
    this.#driver = driver;
    this.#names = names;
    this.provider = driver.provider;
    this.capabilities = Object.freeze({ ...driver.capabilities, limits: Object.freeze({ ...driver.capabilities.limits }) }) as never;
    driver.open({ report: createReport(driver.provider) });
    this.#administration = {
      driver,
      provider: driver.provider,
      capabilities: this.capabilities,
      nativeTopic: (topic) => this.nativeTopic(topic),
      topicName: (nativeName) => reverse(this.#names.topics, nativeName),
      nativeGroup: (group) => this.nativeGroup(group),
      groupName: (nativeName) => reverse(this.#names.groups, nativeName),
      requireOpen: (operation) => this.requireOpen(operation),
      requireCapability: (capability, operation) => this.requireCapability(capability, operation),
      callPatienceMs: () => this.#callPatienceMs,
      toError: (error, operation, topic) => this.toError(error, { operation, topic }),
    };
    this.admin = createAdmin<Granted>(this.#administration);
  }

  topic<T, Input = T, Tombstones extends boolean = false>(
    name: string,
    options: TopicOptions<T, Input, Tombstones>,
  ): Topic<OrTombstone<T, Tombstones>, OrTombstone<Input, Tombstones>> {
    this.requireOpen("topic");
    return createTopic(this, this.#driver, name, options);
  }

  async check(options: CallOptions = {}): Promise<Health> {
    checkOptions("call options", options, { signal: rules.abortSignal });
    options.signal?.throwIfAborted();
    const started = performance.now();
    let error: StreamError | null = null;
    try {
      this.requireOpen("check");
      await abortable(this.#driver.check(options.signal ?? neverAborted()), options.signal);
    } catch (cause) {
      options.signal?.throwIfAborted();
      error = this.toError(cause, { operation: "check" });
    }
    return { ok: error === null, latencyMs: performance.now() - started, error };
  }

  /** For the doctor, not of `Connection`: what else has to be reached. @returns `null` where the adapter does not tell */
  async reach(signal: AbortSignal): Promise<readonly ReachedPart[] | null> {
    if (this.#driver.reach === undefined) return null;
    try {
      return await abortable(this.#driver.reach(signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw this.toError(error, { operation: "check" });
    }
  }

  /**
   * For the doctor, not of `Connection`: what one may do with the topic and, where one is named, the group.
   * @returns `null` where the adapter does not tell. @throws `not-found` · what the provider says
   */
  async permissions(topic: string, group: string | undefined, signal: AbortSignal): Promise<readonly Permission[] | null> {
    const { admin } = this.#driver;
    if (admin.permissions === undefined) return null;
    try {
      const nativeTopic = checkedTopicName(this.#driver, topic, (name) => this.nativeTopic(name));
      const name = group === undefined ? null : { group, nativeGroup: this.nativeGroup(group) };
      return await abortable(admin.permissions(nativeTopic, name, signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw this.toError(error, { operation: "admin.permissions", topic });
    }
  }

  /** For the command line, not of `Connection`: the topic's groups, also those that no name means here. */
  listedGroups(topic: string, options?: CallOptions): Promise<ListedGroups> {
    return listedGroups(this.#administration, topic, options);
  }

  /** For the command line, not of `Connection`: where `admin.resetGroup` would put the group, by partition; nothing is moved. */
  planReset(topic: string, group: string, to: From): Promise<ReadonlyMap<string, PartitionPlace>> {
    return planReset(this.#administration, topic, group, to);
  }

  /** For the doctor, not of `Connection`: what fails is to be seen as it is, so calls are tried once from now on. */
  tryOnce(): void {
    this.#callPatienceMs = 0;
  }

  get callPatienceMs(): number {
    return this.#callPatienceMs;
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
    await this.#driver.close();
  }

  nativeTopic(topic: string): string {
    return Object.hasOwn(this.#names.topics, topic) ? this.#names.topics[topic]! : topic;
  }

  nativeGroup(group: string): string | undefined {
    return Object.hasOwn(this.#names.groups, group) ? this.#names.groups[group] : undefined;
  }

  /** Sending is allowed while consumers drain; everything else ends with the call of `close`. */
  requireOpen(operation: string): void {
    if (this.#state === "open" || (this.#state === "draining" && ALLOWED_WHILE_DRAINING.has(operation))) return;
    throw new StreamError("closed", "this connection is closed", { provider: this.provider, operation });
  }

  requireCapability(capability: Capability, operation: string, topic?: string): void {
    if (this.capabilities[capability]) return;
    throw new StreamError("unsupported", `${this.provider} does not have the capability ${capability}, which ${operation} needs here`, {
      provider: this.provider,
      operation,
      capability,
      topic,
    });
  }

  toError(error: unknown, context: StreamErrorDetails): StreamError {
    const known = error instanceof StreamError ? error : this.#driver.classify(error);
    return withContext(known, { ...context, provider: this.provider });
  }

  track(part: Closable): () => void {
    this.#parts.add(part);
    return () => void this.#parts.delete(part);
  }
}

function reverse(names: Readonly<Record<string, string>>, nativeName: string): string | undefined {
  return Object.keys(names).find((name) => names[name] === nativeName);
}
