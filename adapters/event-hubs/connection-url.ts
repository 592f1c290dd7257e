import { UrlSettings, decodeUrlPart, givenOnly } from "../../src/adapter-kit/index.ts";
import { EVENT_HUBS_OPTIONS, type EventHubsOptions } from "./options.ts";

const SETTINGS = ["checkpoints", "readerGroup", "developmentEmulator", "webSockets"];

/**
 * `event-hubs://[name:key@]namespace.servicebus.windows.net?checkpoints=https://account.blob.core.windows.net/container`. Without a key: `@azure/identity`.
 * @throws `configuration`; no message repeats more of the URL than the names of settings
 */
export function parseEventHubsUrl(url: string): EventHubsOptions {
  const match = /^event-hubs:\/\/(?:([^@/?#]*)@)?([^@/?#]+)\/?(?:\?([^#]*))?$/i.exec(url);
  if (match === null) EVENT_HUBS_OPTIONS.refuse("a URL of the form event-hubs://name:key@namespace?setting=value is needed");
  const [, userInfo, host, query = ""] = match;
  const settings = new UrlSettings(query, EVENT_HUBS_OPTIONS, SETTINGS);
  const given = givenOnly({
    checkpoints: settings.text("checkpoints"),
    readerGroup: settings.text("readerGroup"),
    developmentEmulator: settings.boolean("developmentEmulator"),
    webSockets: settings.boolean("webSockets"),
  });
  const namespace = decodeUrlPart(host!, "the namespace in the URL", EVENT_HUBS_OPTIONS);
  if (userInfo === undefined) return { namespace, ...given };
  const [name = "", key = "", ...rest] = userInfo.split(":");
  if (name === "" || key === "" || rest.length > 0) {
    EVENT_HUBS_OPTIONS.refuse("the user info of the URL must be name:key of a shared access policy, each percent-encoded");
  }
  const policy = `SharedAccessKeyName=${partOf(name)};SharedAccessKey=${partOf(key)}`;
  return { connectionString: `Endpoint=sb://${namespace};${policy}`, ...given };
}

function partOf(text: string): string {
  const part = decodeUrlPart(text, "the user info in the URL", EVENT_HUBS_OPTIONS);
  if (part.includes(";")) EVENT_HUBS_OPTIONS.refuse("the name and the key of a policy have no semicolon");
  return part;
}
