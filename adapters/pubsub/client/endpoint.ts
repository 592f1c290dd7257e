import type { PubSub } from "@google-cloud/pubsub";
import type { PubSubSdk } from "./sdk.ts";
import { PUBSUB_OPTIONS, type PubSubOptions } from "../options.ts";

/** A server in plain text, which gets no credentials. */
export interface ReachedEmulator {
  /** `host:port` */
  readonly address: string;
  /** By PUBSUB_EMULATOR_HOST, which is easily left set, and not by an endpoint. */
  readonly isOfEnvironment: boolean;
}

/** How the v1 clients are made, and which server they reach. */
export interface Endpoint {
  readonly clientOptions: Readonly<Record<string, unknown>>;
  /** `null`: a service with credentials. */
  readonly emulator: ReachedEmulator | null;
}

const GOOGLE = /(?:^|\.)googleapis\.com$/;

/** Clients of one address must not share a connection, because a connection carries 100 streams. */
const CHANNEL = {
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 2_000,
};
/**
 * A connection that is lost without a word is known by a ping that is not answered: every call on it would wait for its time-out otherwise,
 * again and again. Google's client in Python pings as often.
 */
const PINGS = { "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 10_000 };

/** The environment variable that Google's own libraries honour; the v1 clients do not read it. */
export const EMULATOR_VARIABLE = "PUBSUB_EMULATOR_HOST";

/** @throws `configuration` where the service is taken for an emulator: there `earliest` would be the end */
export function endpointOf(sdk: PubSubSdk, options: PubSubOptions): Endpoint {
  const endpoint = reachedBy(sdk, options);
  if (options.googleEmulator === true && endpoint.emulator === null) {
    PUBSUB_OPTIONS.refuse("googleEmulator is for an emulator: it needs an endpoint of http, or PUBSUB_EMULATOR_HOST");
  }
  // That emulator ends a connection on which pings come so often.
  const pings = options.googleEmulator === true ? {} : PINGS;
  return { ...endpoint, clientOptions: { ...endpoint.clientOptions, ...pings } };
}

function reachedBy(sdk: PubSubSdk, options: PubSubOptions): Endpoint {
  const { client, project, auth } = options;
  if (client !== undefined) {
    const own = (client as { readonly options?: Readonly<Record<string, unknown>> }).options ?? {};
    const shared = (client as { readonly auth?: object }).auth;
    const isInsecure = (client as { readonly isEmulator?: boolean }).isEmulator === true;
    const { servicePath, port } = own;
    const emulator = isInsecure ? { address: `${String(servicePath)}:${String(port)}`, isOfEnvironment: false } : null;
    return { clientOptions: { ...own, ...CHANNEL, auth: isInsecure ? withoutToken(sdk, shared) : shared }, emulator };
  }
  const variable = process.env[EMULATOR_VARIABLE];
  const address =
    options.endpoint ?? (variable === undefined || variable === "" ? undefined : `http://${variable.replace(/^https?:\/\//, "")}`);
  const named = { ...(project === undefined ? {} : { projectId: project }), ...(auth === undefined ? {} : { auth }), ...CHANNEL };
  if (address === undefined) return { clientOptions: named, emulator: null };
  const { protocol, hostname, port } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol === "http:") {
    const at = { apiEndpoint: host, port: Number(port === "" ? 80 : port) };
    const plain = { sslCreds: insecure(sdk, host), auth: withoutToken(sdk, auth) };
    const emulator = { address: `${hostname}:${at.port}`, isOfEnvironment: options.endpoint === undefined };
    return { clientOptions: { ...named, ...at, ...plain }, emulator };
  }
  const at = { apiEndpoint: host, port: Number(port === "" ? 443 : port) };
  // Ambient credentials go to Google only. Another server gets those that were given, or none.
  const credentials = auth === undefined && !GOOGLE.test(host) ? { auth: withoutToken(sdk, undefined) } : {};
  return { clientOptions: { ...named, ...at, ...credentials }, emulator: null };
}

/** Made by the client's own copy of gRPC: another copy's would not be accepted. */
function insecure(sdk: PubSubSdk, host: string): unknown {
  const { options } = new sdk.PubSub({ projectId: "none", apiEndpoint: host, emulatorMode: true });
  return options.sslCreds;
}

/**
 * In place of a `GoogleAuth`, where no token is to be sent: credentials are not even looked for, which can take seconds. They are only where
 * nothing else names the project.
 */
function withoutToken(sdk: PubSubSdk, auth: object | undefined): object {
  return {
    getClient: async () => ({ getRequestHeaders: async () => new Map<string, string>() }),
    getUniverseDomain: async () => "googleapis.com",
    getProjectId: async () => ((auth as PubSub["auth"] | undefined) ?? new sdk.PubSub().auth).getProjectId(),
  };
}
