import { EVENT_HUBS_OPTIONS, type EventHubsOptions } from "../options.ts";

/** Where a namespace is, and the key for it. */
export interface NamespaceAddress {
  /** Without a port, in lower case: as the processors of all SDKs name it in their blobs. */
  readonly host: string;
  /** With the port, if there is one: tells emulators on one host apart. */
  readonly cluster: string;
  /** Without `EntityPath`; `null`: tokens. */
  readonly connectionString: string | null;
  /** The hub that the connection string is for; `null`: all. */
  readonly onlyHub: string | null;
}

/** @throws `configuration` */
export function addressOf(options: EventHubsOptions): NamespaceAddress {
  if ("namespace" in options && options.namespace !== undefined) {
    return { ...hostsOf(options.namespace), connectionString: null, onlyHub: null };
  }
  const { connectionString, developmentEmulator = false } = options as Extract<EventHubsOptions, { connectionString: string }>;
  const parts = connectionString.split(";").filter((part) => part.trim() !== "");
  const nameOf = (part: string): string => part.slice(0, part.indexOf("=")).trim().toLowerCase();
  const valueOf = (name: string): string | null => {
    const found = parts.find((part) => nameOf(part) === name);
    return found === undefined ? null : found.slice(found.indexOf("=") + 1).trim();
  };
  const authority = /^\w+:\/\/([^/]+)/.exec(valueOf("endpoint") ?? "")?.[1];
  if (authority === undefined) EVENT_HUBS_OPTIONS.refuse("the Endpoint of the connection string names no host");
  const others = parts.filter(
    (part) => nameOf(part) !== "entitypath" && (!developmentEmulator || nameOf(part) !== "usedevelopmentemulator"),
  );
  const emulator = developmentEmulator ? ["UseDevelopmentEmulator=true"] : [];
  return { ...hostsOf(authority), connectionString: [...others, ...emulator].join(";"), onlyHub: valueOf("entitypath") };
}

function hostsOf(authority: string): Pick<NamespaceAddress, "host" | "cluster"> {
  const cluster = authority.toLowerCase();
  return { host: cluster.replace(/:\d+$/, ""), cluster };
}
