import { OptionCheck, type OptionRule, optionRules } from "../../src/adapter-kit/index.ts";

export type EventHubsOptions = {
  /** Where groups keep who owns what and how far it is: a container of Blob Storage, or `"memory"`, this process. Without it a consumer is refused. */
  checkpoints?: BlobContainer | undefined;
  /** Consumer group for readers. @default "$Default" */
  readerGroup?: string | undefined;
  /** Plain AMQP, as of Microsoft's emulator: `event-hubs://name:key@localhost:5672?developmentEmulator=true`. @default false */
  developmentEmulator?: boolean | undefined;
  /** AMQP over port 443. @default false */
  webSockets?: boolean | undefined;
} & ({ namespace: string; credential?: TokenCredential | undefined } | { connectionString: string });

/** `TokenCredential` of @azure/identity. */
export interface TokenCredential {
  getToken(scopes: string | string[]): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** The container's URL (with a SAS query, or `account:key@` as user info; else the token credential, or that of @azure/identity), or `ContainerClient` of @azure/storage-blob. */
export type BlobContainer = string | { readonly containerName: string; readonly url: string };

/** Messages never show a value. */
export const EVENT_HUBS_OPTIONS: OptionCheck = new OptionCheck("event-hubs");

const { boolean, nonEmptyString, object } = optionRules;

/** The host of a namespace, with a port for an emulator. */
const NAMESPACE = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/;

const RULES: Readonly<Record<string, OptionRule>> = {
  checkpoints: {
    allowed: '"memory", the URL of a container (http or https), or a ContainerClient of @azure/storage-blob',
    accepts: (value) => (typeof value === "string" ? value === "memory" || /^https?:\/\/[^\s/]+\/\S+/.test(value) : isContainer(value)),
  },
  readerGroup: nonEmptyString,
  developmentEmulator: boolean,
  webSockets: boolean,
  namespace: {
    allowed: "the host of a namespace, such as name.servicebus.windows.net",
    accepts: (value) => typeof value === "string" && NAMESPACE.test(value),
  },
  credential: {
    allowed: "a TokenCredential of @azure/identity",
    accepts: (value) => object.accepts(value) && typeof (value as Partial<TokenCredential>).getToken === "function",
  },
  connectionString: {
    allowed: "a connection string: Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…",
    accepts: (value) => typeof value === "string" && /(?:^|;)\s*Endpoint\s*=\s*\w+:\/\//i.test(value),
  },
};

function isContainer(value: unknown): boolean {
  if (!object.accepts(value)) return false;
  const { containerName, url } = value as Readonly<Record<string, unknown>>;
  return typeof containerName === "string" && typeof url === "string";
}

/** @throws `configuration` naming what was received and what is allowed, never a credential */
export function checkEventHubsOptions(options: EventHubsOptions): void {
  EVENT_HUBS_OPTIONS.check(options, RULES);
  const { namespace, credential, connectionString } = options as Readonly<Record<string, unknown>>;
  if ((namespace === undefined) === (connectionString === undefined)) {
    EVENT_HUBS_OPTIONS.refuse("either namespace or connectionString must be given");
  }
  if (connectionString !== undefined && credential !== undefined) {
    EVENT_HUBS_OPTIONS.refuse("credential belongs to namespace; a connection string has its own");
  }
  if (options.developmentEmulator === true && connectionString === undefined) {
    EVENT_HUBS_OPTIONS.refuse("developmentEmulator needs the name and the key of a policy: plain AMQP takes no tokens");
  }
  if (options.developmentEmulator === true && options.webSockets === true) {
    EVENT_HUBS_OPTIONS.refuse("developmentEmulator is plain AMQP, and webSockets always use TLS");
  }
}
