import { registry } from "../adapters/registry.ts";
import { CAPABILITY_NAMES, type Capability } from "./capabilities.ts";
import { OpenConnection } from "./connection.ts";
import type { ConnectOptions, Connection, GrantedBy } from "./connection-types.ts";
import { parseConnectionUrl } from "./connection-url.ts";
import type { Driver, ProviderDriver } from "./driver/provider-driver.ts";
import { createReport } from "./driver-report.ts";
import { StreamError } from "./errors.ts";
import { checkedGroupName } from "./group-name.ts";
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
 * @throws `configuration` (unknown scheme or setting, a provider that is not part of this version, SDK not installed, Node too old) · `unsupported` (a required capability is missing)
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
  const { driver, ...named } = await driverOf(target);
  const topics = { ...named.topics, ...defined(options.topics) };
  const groups = { ...named.groups, ...defined(options.groups) };
  for (const topic of Object.keys(topics)) checkedTopicName(driver.provider, driver, topic, (name) => topics[name]!);
  for (const group of Object.keys(groups)) checkedGroupName(driver.provider, driver, group, (name) => groups[name]);
  for (const capability of options.require ?? []) requireCapability(driver, capability);
  return new OpenConnection<GrantedBy<Target> | Required>(driver, opened(driver), { topics, groups });
}

interface ConnectTarget {
  readonly driver: Driver;
  readonly topics: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, string>>;
}

async function driverOf(target: string | Driver): Promise<ConnectTarget> {
  if (typeof target !== "string") return { driver: requireDriver(target), topics: {}, groups: {} };
  const schemes = Object.keys(registry);
  const known = schemes.filter((scheme) => registry[scheme] !== null);
  const planned = schemes.filter((scheme) => registry[scheme] === null);
  const { scheme, adapterUrl, topics, groups } = parseConnectionUrl(target, known, planned);
  const open = await registry[scheme]!();
  return { driver: open(adapterUrl), topics, groups };
}

const METHODS = [
  "check",
  "topicCapabilities",
  "identity",
  "producer",
  "consumer",
  "reader",
  "compare",
  "classify",
  "close",
] as const satisfies readonly (keyof ProviderDriver)[];

/** A driver may come from another version of the package, or from JavaScript: `connect` checks it against the contract, once. */
function requireDriver(target: unknown): Driver {
  if (typeof target !== "object" || target === null) {
    throw new StreamError("configuration", `connect needs a URL or a driver; received ${describeValue(target)}`);
  }
  const driver = target as Partial<Driver>;
  if (driver.specVersion !== 1) {
    throw new StreamError(
      "configuration",
      `this driver follows version ${describeValue(driver.specVersion)} of the driver contract; version 1 is needed`,
    );
  }
  requireMembers("this driver", driver, {
    functions: ["refuseTopicName", "refuseGroupName", "open"],
    objects: ["capabilities"],
    names: ["provider"],
  });
  return driver as Driver;
}

/** The driver of a new connection. */
function opened(driver: Driver): ProviderDriver {
  const made: unknown = driver.open({ report: createReport(driver.provider) });
  if (typeof made !== "object" || made === null) {
    throw new StreamError("configuration", `open of a driver returns the driver of one connection; received ${describeValue(made)}`);
  }
  requireMembers("what open of this driver returned", made as Partial<ProviderDriver>, {
    functions: METHODS,
    objects: ["admin", "capabilities"],
    names: ["provider"],
  });
  return made as ProviderDriver;
}

interface Members<Name> {
  readonly functions: readonly Name[];
  readonly objects: readonly Name[];
  readonly names: readonly Name[];
}

function requireMembers<Part extends object>(what: string, part: Part, { functions, objects, names }: Members<keyof Part>): void {
  const missing = [
    ...functions.filter((name) => typeof part[name] !== "function"),
    ...objects.filter((name) => typeof part[name] !== "object" || part[name] === null),
    ...names.filter((name) => typeof part[name] !== "string" || part[name] === ""),
  ];
  if (missing.length === 0) return;
  throw new StreamError("configuration", `${what} lacks members that the driver contract asks for: ${missing.join(", ")}`);
}

function requireCapability(driver: Driver, capability: Capability): void {
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
