import { registry } from "../adapters/registry.ts";
import { CAPABILITY_NAMES, type Capability } from "./capabilities.ts";
import { OpenConnection } from "./connection.ts";
import type { ConnectOptions, Connection, GrantedBy } from "./connection-types.ts";
import { parseConnectionUrl } from "./connection-url.ts";
import type { Driver, ProviderDriver } from "./driver/provider-driver.ts";
import { createReport } from "./driver-report.ts";
import { StreamError } from "./errors.ts";
import { unsupportedNodeMessage } from "./node-version.ts";
import { checkOptions, describeValue, rules, showName } from "./option-rules.ts";
import { checkedTopicName } from "./topic-name.ts";

/**
 * Chooses the provider. Loads its adapter and checks the settings and `require`; makes no network call (see `check`).
 *
 *     memory:name · kafka://host:9092,host2:9092 · kinesis://eu-west-1 · event-hubs://namespace.servicebus.windows.net
 *     pubsub://project · oci-streaming://region/streamPoolOcid
 *
 * Settings go in the query under the factory's option names, nested by a dot (`sasl.mechanism=plain`, `tls=true`);
 * functions and clients have no URL form; unknown names are `configuration`. Credentials: the SDK's own chain or user info,
 * percent-encoded.
 * @param target a URL, or what an adapter's factory returns: `memory({ … })` from "streamport/memory".
 * @throws `configuration` (unknown scheme or setting, SDK not installed, Node too old) · `unsupported` (a required capability is missing)
 */
export async function connect<Target extends string | Driver, Required extends Capability = never>(
  target: Target,
  options: ConnectOptions<Required> = {},
): Promise<Connection<GrantedBy<Target> | Required>> {
  const unsupported = unsupportedNodeMessage();
  if (unsupported !== null) throw new StreamError("configuration", unsupported);
  checkOptions("connect options", options, { require: rules.stringArray, topics: rules.object, groups: rules.object });
  checkNames("topics", options.topics);
  checkNames("groups", options.groups);
  const { driver, ...named } = await openTarget(target);
  const topics = { ...named.topics, ...defined(options.topics) };
  const groups = { ...named.groups, ...defined(options.groups) };
  for (const topic of Object.keys(topics)) checkedTopicName(driver.provider, driver, topic, (name) => topics[name]!);
  for (const capability of options.require ?? []) requireCapability(driver, capability);
  driver.open({ report: createReport(driver.provider) });
  return new OpenConnection<GrantedBy<Target> | Required>(driver, driver, { topics, groups });
}

interface OpenedTarget {
  readonly driver: ProviderDriver;
  readonly topics: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, string>>;
}

async function openTarget(target: string | Driver): Promise<OpenedTarget> {
  if (typeof target !== "string") return { driver: requireDriver(target), topics: {}, groups: {} };
  const { scheme, adapterUrl, topics, groups } = parseConnectionUrl(target, Object.keys(registry));
  const open = await registry[scheme]!();
  return { driver: open(adapterUrl), topics, groups };
}

const DRIVER_METHODS = [
  "open",
  "check",
  "refuseTopicName",
  "topicCapabilities",
  "identity",
  "producer",
  "consumer",
  "reader",
  "compare",
  "classify",
  "close",
] as const satisfies readonly (keyof ProviderDriver)[];

/** A driver may come from another version of the package, or from JavaScript: it is held against the contract here, once. */
function requireDriver(target: unknown): ProviderDriver {
  if (typeof target !== "object" || target === null) {
    throw new StreamError("configuration", `connect needs a URL or a driver; received ${describeValue(target)}`);
  }
  const driver = target as Partial<ProviderDriver>;
  if (driver.specVersion !== 1) {
    throw new StreamError(
      "configuration",
      `this driver follows version ${describeValue(driver.specVersion)} of the driver contract; version 1 is needed`,
    );
  }
  const missing = [
    ...DRIVER_METHODS.filter((name) => typeof driver[name] !== "function"),
    ...(["admin", "capabilities"] as const).filter((name) => typeof driver[name] !== "object" || driver[name] === null),
    ...(typeof driver.provider === "string" && driver.provider !== "" ? [] : ["provider"]),
  ];
  if (missing.length > 0) {
    throw new StreamError("configuration", `this driver lacks what the driver contract asks for: ${missing.join(", ")}`);
  }
  return driver as ProviderDriver;
}

function requireCapability(driver: ProviderDriver, capability: Capability): void {
  if (!CAPABILITY_NAMES.includes(capability)) {
    throw new StreamError(
      "invalid-argument",
      `require: there is no capability ${showName(capability)}; known are ${CAPABILITY_NAMES.join(", ")}`,
    );
  }
  if (!driver.capabilities[capability]) {
    throw new StreamError("unsupported", `${driver.provider} does not have the required capability ${capability}`, {
      provider: driver.provider,
      operation: "connect",
      capability,
    });
  }
}

function checkNames(which: "topics" | "groups", names: Readonly<Record<string, string | undefined>> | undefined): void {
  const bad = Object.entries(names ?? {}).find(
    ([name, native]) => name === "" || (native !== undefined && (typeof native !== "string" || native === "")),
  );
  if (bad === undefined) return;
  throw new StreamError(
    "invalid-argument",
    `connect options: ${which} maps names to the provider's own, all non-empty strings; received ${describeValue(bad[1])} for ${showName(bad[0])}`,
  );
}

function defined(names: Readonly<Record<string, string | undefined>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(names ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
