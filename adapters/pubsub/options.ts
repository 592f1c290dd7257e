import { OptionCheck, type OptionRule, optionRules } from "../../src/adapter-kit/index.ts";

export interface PubSubOptions {
  /** @default that of the credentials, and of GOOGLE_CLOUD_PROJECT */
  project?: string | undefined;
  /** `http://` is an emulator: plain text, and no credentials. `https://` may be a locational endpoint. @default PUBSUB_EMULATOR_HOST, else that of Google */
  endpoint?: string | undefined;
  /** How long a seek may take to hold everywhere. @default 60_000 */
  seekSettlingMs?: number | undefined;
  /** Silence that ends a reader with `until`. @default 10_000 */
  quietMs?: number | undefined;
  /**
   * The server is Google's own emulator. It cannot move an ordered subscription to a time, gives a new one all that its topic retains, and in
   * older versions answers no signs of life: a start at a time is `unsupported`, and so is `latest` on a topic with retention.
   * @default false
   */
  googleEmulator?: boolean | undefined;
  /**
   * Groups are subscriptions with exactly-once delivery: the late result of a former holder of a message does not count (`fencing`). One that
   * exists without it is `conflict`. Slower: each message is leased by a request before it is handled. @default false
   */
  exactlyOnce?: boolean | undefined;
  /** `GoogleAuth` of google-auth-library. */
  auth?: object | undefined;
  /** `PubSub` of @google-cloud/pubsub, instead of project and endpoint: its `auth` and connection options are used, calls go through v1 clients of ours. */
  client?: PubSubClient | undefined;
}

/** A `PubSub` of @google-cloud/pubsub. */
export interface PubSubClient {
  readonly projectId: string;
  topic(name: string): object;
  subscription(name: string): object;
}

/** Messages never show a value: it may be a credential. */
export const PUBSUB_OPTIONS: OptionCheck = new OptionCheck("pubsub");

const { boolean, durationMs, nonEmptyString, object } = optionRules;

const httpUrl: OptionRule = {
  allowed: "a URL of http or https without a path",
  accepts: (value) => typeof value === "string" && /^https?:\/\/[^\s/?#@]+\/?$/.test(value),
};

const client: OptionRule = {
  allowed: "a PubSub of @google-cloud/pubsub",
  accepts: (value) => {
    const { topic, subscription, projectId } = (value ?? {}) as Partial<PubSubClient>;
    return typeof topic === "function" && typeof subscription === "function" && typeof projectId === "string";
  },
};

const RULES: Readonly<Record<keyof PubSubOptions, OptionRule>> = {
  project: nonEmptyString,
  endpoint: httpUrl,
  seekSettlingMs: durationMs,
  quietMs: durationMs,
  googleEmulator: boolean,
  exactlyOnce: boolean,
  auth: object,
  client,
};

/** @throws `configuration` naming what was received and what is allowed, never a credential */
export function checkPubSubOptions(options: PubSubOptions): void {
  PUBSUB_OPTIONS.check(options, RULES);
  if (options.client !== undefined && (options.project ?? options.endpoint ?? options.auth) !== undefined) {
    PUBSUB_OPTIONS.refuse("client is given instead of project, endpoint and auth, not besides them");
  }
}
